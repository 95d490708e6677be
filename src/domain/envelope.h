// The body that a receiver gets: the publisher's bytes inside the envelope that the webhook chose.
// A pure function of stored facts, so it is the same on every attempt of a run.
#pragma once

#include "domain/event.h"
#include "domain/webhook.h"

namespace fanfare {

struct EnvelopeFacts {
  std::string_view event_type;
  std::string_view data;  // the publisher's bytes, copied verbatim
  EventId event;
  WebhookId webhook;
  Timestamp created_at;  // of the event
};

// standard {"type","timestamp","data"} · event {"event","timestamp","data","webhook_id"} ·
// type {"id","type","created","data"} (created in Unix seconds) · raw: data alone. Timestamps are
// RFC 3339.
std::string make_body(Envelope envelope, const EnvelopeFacts& facts);

}  // namespace fanfare
