#include "api/api_shared.h"

#include <array>

namespace fanfare {
namespace {

Secret cursor_key_of(const ApiConfig& config) {
  if (!config.cursor_key.empty()) return config.cursor_key;
  std::string bytes(32, '\0');
  config.random.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  return Secret(std::move(bytes));
}

}  // namespace

bool RunningKeys::start(const std::string& key) {
  const std::lock_guard lock(mu_);
  return keys_.insert(key).second;
}

void RunningKeys::finish(const std::string& key) {
  const std::lock_guard lock(mu_);
  keys_.erase(key);
}

std::size_t RunningKeys::size() const {
  const std::lock_guard lock(mu_);
  return keys_.size();
}

ApiShared::ApiShared(ApiConfig from)
    : config(std::move(from)),
      admin_digest(config.admin_key.empty() ? "" : sha256_bytes(config.admin_key.reveal())),
      cursors(cursor_key_of(config)),
      profile(*config.profile),
      router(api_routes()),
      paths(router, profile.paths) {}

std::optional<std::size_t> RefusalBudget::take(Timestamp now) {
  const std::lock_guard lock(mu_);
  const Timestamp minute = std::chrono::floor<std::chrono::minutes>(now);
  if (std::exchange(minute_, minute) != minute) recorded_ = 0;
  if (recorded_ == limits::kAuditRefusalsPerMinuteMax) {
    ++left_out_;
    return std::nullopt;
  }
  ++recorded_;
  return std::exchange(left_out_, 0);
}

}  // namespace fanfare
