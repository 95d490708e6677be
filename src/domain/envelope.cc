#include "domain/envelope.h"

#include "base/json_text.h"

namespace fanfare {
namespace {

// Room for the member names, two ids and a time around type and data, so that the body is allocated
// once.
constexpr std::size_t kFrameBytes = 160;

void append_timestamp(std::string& body, Timestamp t) {
  body += ",\"timestamp\":\"";
  body += format_rfc3339(t);
  body += '"';
}

void append_data(std::string& body, std::string_view data) {
  body += ",\"data\":";
  body += data;
}

}  // namespace

std::string make_body(Envelope envelope, const EnvelopeFacts& facts) {
  if (envelope == Envelope::raw) return std::string(facts.data);
  std::string body;
  body.reserve(facts.data.size() + facts.event_type.size() + kFrameBytes);
  switch (envelope) {
    case Envelope::standard:
      body += "{\"type\":";
      append_json_string(body, facts.event_type);
      append_timestamp(body, facts.created_at);
      append_data(body, facts.data);
      break;
    case Envelope::event:
      body += "{\"event\":";
      append_json_string(body, facts.event_type);
      append_timestamp(body, facts.created_at);
      append_data(body, facts.data);
      body += ",\"webhook_id\":";
      append_json_string(body, to_string(facts.webhook));
      break;
    case Envelope::type:
      body += "{\"id\":";
      append_json_string(body, to_string(facts.event));
      body += ",\"type\":";
      append_json_string(body, facts.event_type);
      body += ",\"created\":";
      body += std::to_string(
          std::chrono::floor<std::chrono::seconds>(facts.created_at).time_since_epoch().count());
      append_data(body, facts.data);
      break;
    case Envelope::raw:
      break;
  }
  body += '}';
  return body;
}

}  // namespace fanfare
