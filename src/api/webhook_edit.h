// Changing a webhook: read it as it is, change a copy, store the copy if nobody was faster, else
// look again. If-Match makes being late the client's decision.
//
// The name in a new URL is looked up once everything else is in order and before the change is
// stored: what is kept under an Idempotency-Key is made with the commit, so that a repetition
// repeats the warnings. A client that goes away while the look-up runs has sent a whole request;
// the change is made. One that a stop of the server cuts off is not.
#pragma once

#include <functional>

#include "api/exchange.h"
#include "api/views.h"

namespace fanfare {

// The webhook a request is about: not deleted, and the principal's to see. `named_tenant` is the
// tenant_id of query or body. An admin may leave it out.
Checked<WebhookPtr> find_webhook(ApiContext& context, const Exchange& exchange, std::string_view id,
                                 const std::optional<std::string>& named_tenant);

// What makes the answer.
struct WebhookAnswer {
  std::function<Answer(const Webhook& stored, const Warnings& warnings)> render;
  bool shows_secret = false;  // it is sealed if it is kept
};

struct WebhookEdit {
  WebhookId id;
  TenantId tenant;
  // Changes the copy. False if there is nothing to change: the answer then shows the webhook as it
  // is.
  std::function<Checked<bool>(Webhook& next)> change;
  bool purges_history = false;  // of a delete
};
void edit_webhook(ApiContext& context, const ExchangePtr& exchange, WebhookEdit edit,
                  WebhookAnswer answer);

// Stores a new webhook, if the tenant has room for it.
void create_webhook(ApiContext& context, const ExchangePtr& exchange, Webhook webhook,
                    WebhookAnswer answer);

// 412 unless the request has no If-Match or names this version.
Checked<void> check_if_match(const net::HttpRequest& request, const Webhook& webhook);

}  // namespace fanfare
