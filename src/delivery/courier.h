// Courier: what one attempt is made of. prepare() turns a run into a request, conclude() turns what
// came back into the operation that records it. Both are pure; sending happens in between, by the
// lane set.
#pragma once

#include "delivery/held_run.h"
#include "egress/sender.h"
#include "signing/signer.h"
#include "storage/write_ops.h"

namespace fanfare {

// The body of a run: the same on every attempt.
std::string body_of(const HeldRun& held);

// The request of one attempt: the webhook's own headers, then ours, then the signature's, so that
// no custom header can take the place of ours. Signed as of `now`.
SendRequest prepare(const HeldRun& held, const Webhook& webhook, const Signer& signer,
                    Timestamp now);

struct AttemptTimes {
  Timestamp started_at;
  Timestamp finished_at;
};

// Records the attempt and decides what becomes of the run: success, a retry, or the end.
// `uniform01` is one random draw.
AttemptOp conclude(const HeldRun& held, const Webhook& webhook, HttpOutcome outcome,
                   const AttemptTimes& times, double uniform01);

}  // namespace fanfare
