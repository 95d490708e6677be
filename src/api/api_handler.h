// ApiHandler: the HTTP API of one reactor. Finds the route, proves who asks, checks what can be
// checked before the body is read, answers repeated requests from what was kept, and hands the rest
// to the route's handler.
//
// Loop thread only. It must outlive the replies it waits for, and these come from the engine, from
// the loop's timers and from the resolver: before it goes, drain the server, stop the engine's
// threads and end the loop's. What the loop and the resolver still hold then is never called, only
// destroyed, which may be after the handler (app/server.cc shows the order).
#pragma once

#include <memory>

#include "api/api_shared.h"
#include "api/exchange.h"
#include "api/profile_names.h"

namespace fanfare {

class ApiHandler final : public net::HttpHandler {
 public:
  ApiHandler(Engine& engine, Loop& home, net::Resolver& resolver,
             std::shared_ptr<ApiShared> shared);

  net::HeadVerdict on_head(const net::HttpRequest& request) override;
  void on_request(net::HttpRequest request, net::Responder respond) override;
  net::HttpResponse on_refused(int status, std::string_view detail) override;

 private:
  // Where a request goes and who asks, or why not.
  Checked<Routed> admit(const net::HttpRequest& request, Principal& principal);
  // The same once the body is there; the request is in our own words then.
  Checked<RouteMatch> settle(Routed routed, const Principal& principal, net::HttpRequest& request);
  // Once it is known who asks, and for which tenant.
  void begin(const ExchangePtr& exchange);
  void note_refusal(const Problem& problem, const net::HttpRequest& request,
                    const Principal& principal, const Origin& origin);
  std::string next_request_id();

  const std::shared_ptr<ApiShared> shared_;
  ApiContext context_;
  const AnswerNames answer_names_;
  TokenMemo tokens_;
  std::uint64_t request_id_state_ = 0;
};

}  // namespace fanfare
