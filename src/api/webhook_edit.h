// Changing a webhook: read it as it is, change a copy, store the copy if nobody was faster, else
// look again. If-Match makes being late the client's decision.
#pragma once

#include <functional>

#include "api/exchange.h"

namespace fanfare {

// The webhook a request is about: not deleted, and the principal's to see. `named_tenant` is the
// tenant_id of query or body. An admin may leave it out.
Checked<WebhookPtr> find_webhook(ApiContext& context, const Exchange& exchange, std::string_view id,
                                 const std::optional<std::string>& named_tenant);

struct WebhookEdit {
  WebhookId id;
  TenantId tenant;
  // Changes the copy. False if there is nothing to change: `render` then answers with the webhook
  // as it is.
  std::function<Checked<bool>(Webhook& next)> change;
  std::function<Answer(const Webhook& stored)> render;
  bool shows_secret = false;  // the answer is sealed if it is kept
};
void edit_webhook(ApiContext& context, const ExchangePtr& exchange, WebhookEdit edit);

// Stores a new webhook, or a change to version `expected`, and answers with `render`.
void put_webhook(ApiContext& context, const ExchangePtr& exchange, Webhook next,
                 std::int64_t expected, std::shared_ptr<const WebhookEdit> edit,
                 UniqueFunction<void()> on_mismatch);

// 412 unless the request has no If-Match or names this version.
Checked<void> check_if_match(const net::HttpRequest& request, const Webhook& webhook);

}  // namespace fanfare
