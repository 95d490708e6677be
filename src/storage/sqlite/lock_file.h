// LockFile: keeps a second process away from a database. `<path>.lock` holds the owner's process id
// for people; what counts is the kernel's lock on it, which goes with the process however that
// ends. The file stays behind on purpose: removing it would race with the next owner.
#pragma once

#include <string>

#include "base/result.h"

namespace fanfare::sqlite {

class LockFile {
 public:
  // Errc::conflict, naming the process, if somebody else holds it.
  static Result<LockFile> take(const std::string& path);
  LockFile(LockFile&& other) noexcept;
  LockFile& operator=(LockFile&&) = delete;
  ~LockFile();

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace fanfare::sqlite
