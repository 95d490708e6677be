// The floor's log file: records are appended in batches and each batch is flushed with one
// fdatasync by a thread of its own. There is no timer: a batch is whatever was added while the one
// before it was being flushed, so it is small when the load is light and grows by itself with it.
// The file is prepared in advance and written round and round, as databases recycle their log: a
// flush into a growing file has to wait for the file system's journal too, which costs half as much
// again.
//
// add_*(), submit() and take_flushed() belong to the I/O thread. flushed_fd() becomes readable when
// there is something to take.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace fanfare::bench {

// An event in a batch: who waits for its answer, and where in the batch's bytes its body lies.
struct JournaledEvent {
  std::uint64_t id;
  std::size_t client;
  std::size_t body_offset;
  std::size_t body_size;
};

struct Batch {
  std::string bytes;
  std::vector<JournaledEvent> events;

  bool is_empty() const { return bytes.empty(); }
  std::string_view body_of(const JournaledEvent& event) const {
    return std::string_view(bytes).substr(event.body_offset, event.body_size);
  }
  void append(const Batch& other);
  void clear();
};

class Journal {
 public:
  explicit Journal(const std::string& path);
  ~Journal();

  void add_event(std::uint64_t id, std::size_t client, std::string_view body);
  void add_outcome(std::uint64_t id, int status);
  // Hands everything added so far to the writer.
  void submit();
  int flushed_fd() const { return flushed_fd_; }
  // Replaces `batch` with all events flushed since the last call.
  void take_flushed(Batch& batch);

 private:
  void write_until_stopped();
  void write_durably(std::string_view bytes);

  int file_;
  std::int64_t write_at_ = 0;  // writer thread only
  int flushed_fd_;
  Batch adding_;  // I/O thread only

  std::mutex mu_;
  std::condition_variable work_;
  Batch queued_;   // guarded by mu_
  Batch flushed_;  // guarded by mu_
  bool is_stopping_ = false;
  std::jthread writer_;
};

}  // namespace fanfare::bench
