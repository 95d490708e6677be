#include "bench/floor_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include "bench/support/process.h"

namespace fanfare::bench {
namespace {

constexpr std::int64_t kFileSize = 64 << 20;

// In front of each record. Written as it lies in memory: the file is never read by another machine.
struct RecordHead {
  std::uint64_t id;
  std::uint32_t size;
  std::uint32_t status;  // 0 for an event, else the receiver's answer to it
};

void append_head(std::string& bytes, const RecordHead& head) {
  bytes.append(reinterpret_cast<const char*>(&head), sizeof head);
}

void write_whole(int file, std::string_view bytes, std::int64_t offset) {
  while (!bytes.empty()) {
    const auto written = pwrite(file, bytes.data(), bytes.size(), offset);
    if (written < 0) die_of_errno("cannot write the journal");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += written;
  }
}

}  // namespace

void Batch::append(const Batch& other) {
  const auto offset = bytes.size();
  bytes += other.bytes;
  for (auto event : other.events) {
    event.body_offset += offset;
    events.push_back(event);
  }
}

void Batch::clear() {
  bytes.clear();
  events.clear();
}

Journal::Journal(const std::string& path)
    : file_(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)),
      flushed_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (file_ < 0 || flushed_fd_ < 0) die_of_errno("cannot open the journal " + path);
  // Zeros are written, not only reserved: a reserved block is journaled when it is first written.
  const std::string zeros(1 << 20, '\0');
  for (std::int64_t at = 0; at < kFileSize; at += 1 << 20) write_whole(file_, zeros, at);
  if (fsync(file_) != 0) die_of_errno("cannot prepare the journal");
  writer_ = std::jthread([this] { write_until_stopped(); });
}

Journal::~Journal() {
  {
    const std::lock_guard lock(mu_);
    is_stopping_ = true;
  }
  work_.notify_one();
}

void Journal::add_event(std::uint64_t id, std::size_t client, std::string_view body) {
  append_head(adding_.bytes,
              {.id = id, .size = static_cast<std::uint32_t>(body.size()), .status = 0});
  adding_.events.push_back(
      {.id = id, .client = client, .body_offset = adding_.bytes.size(), .body_size = body.size()});
  adding_.bytes += body;
}

void Journal::add_outcome(std::uint64_t id, int status) {
  append_head(adding_.bytes, {.id = id, .size = 0, .status = static_cast<std::uint32_t>(status)});
}

void Journal::submit() {
  if (adding_.is_empty()) return;
  bool was_empty = false;
  {
    const std::lock_guard lock(mu_);
    was_empty = queued_.is_empty();
    if (was_empty) {
      std::swap(queued_, adding_);
    } else {
      queued_.append(adding_);
    }
  }
  adding_.clear();
  if (was_empty) work_.notify_one();
}

void Journal::take_flushed(Batch& batch) {
  std::uint64_t count = 0;
  if (read(flushed_fd_, &count, sizeof count) < 0 && errno != EAGAIN) die_of_errno("eventfd");
  batch.clear();
  const std::lock_guard lock(mu_);
  std::swap(batch, flushed_);
}

void Journal::write_until_stopped() {
  Batch writing;
  for (;;) {
    {
      std::unique_lock lock(mu_);
      work_.wait(lock, [this] { return is_stopping_ || !queued_.is_empty(); });
      if (queued_.is_empty()) return;
      std::swap(writing, queued_);
    }
    write_durably(writing.bytes);
    if (!writing.events.empty()) {
      const std::lock_guard lock(mu_);
      if (flushed_.is_empty()) {
        std::swap(flushed_, writing);
      } else {
        flushed_.append(writing);
      }
      if (eventfd_write(flushed_fd_, 1) != 0) die_of_errno("eventfd");
    }
    writing.clear();
  }
}

void Journal::write_durably(std::string_view bytes) {
  const auto size = static_cast<std::int64_t>(bytes.size());
  if (write_at_ + size > kFileSize) write_at_ = 0;
  write_whole(file_, bytes, write_at_);
  if (fdatasync(file_) != 0) die_of_errno("cannot flush the journal");
  write_at_ += size;
}

}  // namespace fanfare::bench
