#include "storage/sqlite/lock_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace fanfare::sqlite {
namespace {

std::string owner_named_in(int fd) {
  std::array<char, 32> text{};
  const auto length = pread(fd, text.data(), text.size() - 1, 0);
  std::string pid(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  pid.erase(pid.find_last_not_of("\n ") + 1);
  return pid.empty() ? "another process" : "process " + pid;
}

Result<void> write_owner(int fd, const std::string& path) {
  const std::string text = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) == 0 &&
      pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size())) {
    return {};
  }
  return fail(Errc::unavailable, "cannot write " + path + ": " + std::strerror(errno));
}

}  // namespace

Result<LockFile> LockFile::take(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail(Errc::unavailable,
                "cannot open the lock file " + path + ": " + std::strerror(errno));
  }
  LockFile lock(fd);
  // flock belongs to the open file, so it also keeps out a second store in this process.
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return fail(Errc::unavailable, "cannot lock " + path + ": " + std::strerror(errno));
    }
    return fail(Errc::conflict, "the database is in use by " + owner_named_in(fd) + " (lock file " +
                                    path + "); stop that process first");
  }
  TRY_VOID(write_owner(fd, path));
  return lock;
}

LockFile::LockFile(LockFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

LockFile::~LockFile() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace fanfare::sqlite
