// Attempts in answers, each with its request rebuilt. One of these makes one answer: it reads each
// version of a webhook once, and stops showing bodies when the answer has no room for more. On a
// reader's thread.
#pragma once

#include <map>
#include <utility>

#include "api/views.h"
#include "delivery/engine.h"

namespace fanfare {

class AttemptList {
 public:
  AttemptList(Engine& engine, Reader& reader) : engine_(engine), reader_(reader) {}

  // What attempts of the delivery are shown with.
  struct Of {
    const Delivery& delivery;
    const Event& event;
    bool names_delivery = false;  // each says of which event and webhook it is
  };
  Result<void> write(JsonWriter& out, const Of& of, const Attempt& attempt);

 private:
  Result<const Webhook*> version_of(WebhookId webhook, std::int64_t version);

  Engine& engine_;
  Reader& reader_;
  std::map<std::pair<WebhookId, std::int64_t>, Webhook> versions_;
  std::size_t body_bytes_ = 0;
};

// Retention removes an event with its payload before its deliveries; what was sent is then unknown.
Result<Event> event_or_remains(Reader& reader, const Delivery& delivery);

}  // namespace fanfare
