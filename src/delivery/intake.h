// Intake: makes a plan of what a publish will store, from the directory as it is now. Nothing
// happens before the commit: the plan is the event row and one queue row for each webhook that
// matches. Pure but for the look-ups.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "delivery/directory.h"
#include "storage/write_ops.h"

namespace fanfare {

struct PublishRequest;

// The plan for one event. Ids and times are left for the journal.
EventPlan plan_event(const Directory& directory, const PublishRequest& request);

// The plans of one request. Errc::invalid if it would make more than limits::kPublishRowsMax rows,
// which no batch of the journal could take: the message says to split it.
Result<PublishOp> plan_events(const Directory& directory,
                              const std::vector<PublishRequest>& requests);

// The plan of a test: one event marked as a test, one run with one attempt, whatever the webhook's
// status.
EventPlan plan_test(const Webhook& webhook, std::string event_type, Payload data);

// The run of one webhook for an event, as it is pinned now.
QueuedRun plan_run(const Webhook& webhook, const std::string& event_type,
                   std::optional<int> max_attempts);

// SHA-256 of what makes two publishes under one event_id equal: type, data and metadata as
// received, max_attempts, and the set of webhook_ids.
std::string publish_fingerprint(const PublishRequest& request);

}  // namespace fanfare
