// Every limit of the server, with what breaks first if it were larger. Bounds that a person may set
// are checked against these when they are saved; the rest holds as it stands.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace fanfare::limits {

using namespace std::chrono_literals;

// ---- API: what a client may send ----
inline constexpr std::size_t kRequestLineBytesMax = 8 * 1024;   // 414; log lines and routing cost
inline constexpr std::size_t kRequestHeadBytesMax = 16 * 1024;  // 431; memory for each connection
inline constexpr std::size_t kRequestHeadersMax = 64;      // 431; the head check is linear in them
inline constexpr std::size_t kBodyBytesMax = 1024 * 1024;  // 413; memory for each connection
inline constexpr std::size_t kBatchBodyBytesMax = 5 * 1024 * 1024;  // 413
inline constexpr std::size_t kBatchEventsMax = 1000;                // 422; rows in one transaction
inline constexpr std::size_t kPayloadBytesMax = 256 * 1024;         // 413; bytes held by a lane
inline constexpr std::size_t kJsonDepthMax = 64;
inline constexpr std::size_t kJsonKeysMax = 1000;
inline constexpr std::size_t kFieldErrorsMax = 20;     // of one object; the rest is counted
inline constexpr std::size_t kRequestErrorsMax = 100;  // of a batch; memory, and the loop's time
inline constexpr std::size_t kSuggestionsMax = 5;      // "the closest one is …" costs the loop time
inline constexpr std::size_t kKeptAnswerBytesMax = 1024 * 1024;  // under an Idempotency-Key
inline constexpr std::size_t kAttemptsShownMax = 100;            // of one delivery, the newest
inline constexpr std::size_t kShownBodiesBytesMax =
    2 * 1024 * 1024;                                // rebuilt requests in one answer; memory
inline constexpr Millis kRequestHeadTimeout = 10s;  // slow heads hold a connection
inline constexpr Millis kRequestBodyTimeout = 30s;  // and below 1 KiB/s after that
inline constexpr std::size_t kRequestBodyBytesPerSecondMin = 1024;
inline constexpr Millis kKeepAliveIdle = 60s;
inline constexpr Millis kWriteStall = 30s;  // a reader that takes nothing
inline constexpr std::size_t kConnectionsPerIpMax =
    256;  // one address must not use up the descriptors
inline constexpr std::size_t kDescriptorReserve = 64;  // for the database, logs and deliveries

// ---- configuration ----
inline constexpr std::size_t kUrlBytesMax = 2048;
inline constexpr std::size_t kNameBytesMax = 200;
inline constexpr std::size_t kDescriptionBytesMax = 2000;
inline constexpr std::size_t kMetadataEntriesMax = 50;
inline constexpr std::size_t kMetadataValueBytesMax = 500;
inline constexpr std::size_t kEventIdBytesMax = 255;
inline constexpr std::size_t kEventTypeBytesMax = 128;
inline constexpr std::size_t kWebhookEventsMax = 200;  // patterns of one webhook
inline constexpr std::size_t kWebhooksPerTenantMax =
    10'000;  // a publish matches against all of them
inline constexpr std::size_t kCustomHeadersMax = 32;
inline constexpr std::size_t kCustomHeaderNameBytesMax = 64;
inline constexpr std::size_t kCustomHeaderValueBytesMax = 4096;
inline constexpr std::size_t kCustomHeadersBytesMax = 8 * 1024;
inline constexpr int kAttemptsMax = 20;
inline constexpr Millis kRetryWindowMax = std::chrono::hours{24 * 14};
inline constexpr int kInFlightDefault = 10;  // for one webhook
inline constexpr int kInFlightMax = 100;
inline constexpr Millis kAttemptTimeoutDefault = 30s;
inline constexpr Millis kAttemptTimeoutMin = 1s;
inline constexpr Millis kAttemptTimeoutMax = 60s;
inline constexpr Millis kRetryAfterMax = std::chrono::hours{24};
inline constexpr Millis kSecretOverlapMax = std::chrono::hours{24 * 7};
inline constexpr Millis kEventIdUniqueFor = std::chrono::hours{24 * 7};
inline constexpr Millis kIdempotencyKeyKept = std::chrono::hours{24};
inline constexpr std::size_t kAuditValueBytesMax = 2048;       // of one member shown of a change
inline constexpr std::size_t kAuditUserAgentBytesMax = 256;    // the sender chooses it
inline constexpr std::size_t kAuditRefusalsPerMinuteMax = 60;  // anybody can make them
inline constexpr std::size_t kPageDefault = 50;
inline constexpr std::size_t kPageMax = 250;

// ---- engine ----
inline constexpr std::size_t kJournalBatchRowsMax = 4096;              // commit latency under load
inline constexpr std::size_t kJournalBatchBytesMax = 8 * 1024 * 1024;  // WAL growth of one commit
inline constexpr std::size_t kPublishRowsMax = 20'000;       // events and deliveries of one request
inline constexpr std::size_t kJournalQueueRowsMax = 65'536;  // then 503: memory
inline constexpr std::size_t kJournalQueueBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kLaneItemsMax = 1024;               // the rest stays in the store
inline constexpr std::size_t kLanesBytesMax = 64 * 1024 * 1024;  // payload bytes held by all lanes
inline constexpr std::size_t kInFlightTotalMax = 2000;  // sockets and 40 KiB of buffers each
inline constexpr Millis kRetryHeldInMemory = 60s;  // later retries stay in the store until near
inline constexpr std::size_t kSettleChunkRows =
    500;  // rows moved for one deleted or disabled webhook
inline constexpr std::size_t kReadQueueMax = 1024;  // reads waiting for a reader thread; then 503
inline constexpr Millis kReadTimeout = 5s;          // a statement that runs longer is interrupted
inline constexpr Millis kDrainTimeout = 10s;

// ---- statistics ----
inline constexpr Millis kRollupFlushEvery = 5s;            // what a start has to read back
inline constexpr std::size_t kRollupFlushKeysMax = 128;    // in one operation: two milliseconds
inline constexpr std::size_t kRollupTypesMax = 1000;       // of one owner; the rest counts as one
inline constexpr std::size_t kRollupTailTrimMax = 1000;    // rows removed in one operation
inline constexpr std::size_t kRollupBucketsMax = 1500;     // of one series: key look-ups of a read
inline constexpr std::size_t kRollupTypeRowsMax = 20'000;  // read for one answer split by type
inline constexpr Millis kMinuteRollupsKept = std::chrono::hours{24};
inline constexpr Millis kHourRollupsKept = std::chrono::hours{24 * 30};
inline constexpr Millis kDayRollupsKept = std::chrono::hours{24 * 366};
inline constexpr std::size_t kRollupErrorBytesMax = 500;  // kept of a webhook's last error
inline constexpr int kFailureThresholdMax = 1000;
inline constexpr std::size_t kLogWalkMax = 2000;  // deliveries that one page of a log looks at

// ---- egress: what a receiver may do to us ----
inline constexpr Millis kConnectTimeout = 5s;
inline constexpr Millis kTlsTimeout = 5s;
inline constexpr Millis kDnsTimeout = 5s;
inline constexpr std::size_t kDnsAnswersMax = 64;
// Looking up the name in a URL that is saved: how long a person waits for the answer, and how many
// names of one tenant are asked at a time, so that its deliveries need not queue behind them.
inline constexpr Millis kNameCheckMax = 1s;
inline constexpr int kNameChecksPerTenantMax = 4;
inline constexpr std::size_t kResponseHeadBytesMax = 16 * 1024;
inline constexpr std::size_t kResponseHeadersMax = 100;
inline constexpr std::size_t kResponseLineBytesMax = 8 * 1024;
inline constexpr std::size_t kResponseBodyKept = 16 * 1024;  // the rest is not read
inline constexpr std::size_t kResponseWireBytesMax =
    64 * 1024;  // framing included, against tiny chunks
inline constexpr std::size_t kChunkExtensionBytesMax = 256;
inline constexpr int kInterimResponsesMax = 8;
inline constexpr std::size_t kPooledRequestsMax = 100;  // on one connection
inline constexpr Millis kPooledIdle = 30s;
inline constexpr Millis kPooledAge = std::chrono::minutes{5};
inline constexpr std::size_t kPooledConnectionsMax =
    4096;  // idle ones, all webhooks of one reactor

}  // namespace fanfare::limits
