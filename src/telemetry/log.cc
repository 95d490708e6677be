#include "telemetry/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "telemetry/log_text.h"

namespace fanfare {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      break;
  }
  return spdlog::level::off;
}

}  // namespace

// spdlog brings the sinks with their locking; the line itself is ours, so its pattern is the bare
// text.
struct Log::Impl {
  Impl(LogOptions options, const Clock& log_clock, spdlog::sink_ptr sink)
      : format(options.format), clock(log_clock), logger("fanfare", std::move(sink)) {
    logger.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
    logger.set_level(spdlog_level(options.level));
    logger.flush_on(spdlog::level::debug);
    // A full disk behind standard error must neither throw nor write to standard error again.
    logger.set_error_handler([](const std::string&) {});
  }

  const LogFormat format;
  const Clock& clock;
  spdlog::logger logger;
};

Log::Log(LogOptions options, const Clock& clock)
    : level_(options.level),
      impl_(std::make_unique<Impl>(options, clock,
                                   std::make_shared<spdlog::sinks::stderr_sink_mt>())) {}

Log::Log(LogOptions options, const Clock& clock, std::ostream& out)
    : level_(options.level),
      impl_(std::make_unique<Impl>(options, clock,
                                   std::make_shared<spdlog::sinks::ostream_sink_mt>(out))) {}

Log::~Log() = default;

void Log::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!is_on(level)) return;
  const LogLine line{impl_->clock.wall_now(), level, message, fields};
  const std::string text = impl_->format == LogFormat::json ? json_line(line) : pretty_line(line);
  impl_->logger.log(spdlog_level(level), spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace fanfare
