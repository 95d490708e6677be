#include "app/master_key.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/encoding.h"
#include "signing/digest.h"

namespace fanfare {

namespace {

constexpr std::size_t kKeyBytes = 32;

Result<bool> is_empty(Store& store) {
  TRY(const std::unique_ptr<Reader> reader, store.open_reader());
  TRY(const ConfigSnapshot config, reader->load_config());
  return config.settings.empty() && config.tenants.empty();
}

std::string text_of(const std::vector<Secret>& keys) {
  std::string text;
  for (const Secret& key : keys) text += base64_encode(bytes_of(key.reveal())) + "\n";
  return text;
}

// Another account than the server's may write the file, such as root; the server must read it.
bool keeps_owner(const std::string& path, int file) {
  struct stat before{};
  if (::stat(path.c_str(), &before) != 0) return true;
  return ::fchmod(file, 0600) == 0 &&
         (before.st_uid == ::geteuid() || ::fchown(file, before.st_uid, before.st_gid) == 0);
}

}  // namespace

Secret draw_master_key(Random& random) {
  std::string bytes(kKeyBytes, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  return Secret(std::move(bytes));
}

Result<std::vector<Secret>> read_master_keys(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(Errc::not_found, "cannot open " + path);
  std::vector<Secret> keys;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    Result<std::string> bytes = base64_decode(line);
    if (!bytes || bytes->size() != kKeyBytes) {
      keys.clear();
      break;
    }
    keys.emplace_back(*std::move(bytes));
  }
  if (!keys.empty()) return keys;
  return fail(Errc::corrupt,
              path +
                  " does not hold master keys (base64 of 32 bytes on each line); restore it "
                  "from a backup");
}

// The file is whole or not there, and it and its directory entry are on disk before anything is
// sealed with the key.
Result<void> write_master_keys(const std::string& path, const std::vector<Secret>& keys) {
  FANFARE_ASSERT(!keys.empty());
  const std::string text = text_of(keys);
  const std::string unfinished = path + ".new";
  const auto failed = [&] {
    const std::string reason = std::strerror(errno);
    ::unlink(unfinished.c_str());
    return fail(Errc::unavailable, "cannot write the master key to " + path + ": " + reason);
  };
  const int file = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return failed();
  const bool is_written =
      keeps_owner(path, file) &&
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file) == 0;
  if (!is_written) {
    auto result = failed();
    ::close(file);
    return result;
  }
  ::close(file);
  if (::rename(unfinished.c_str(), path.c_str()) != 0) return failed();
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); handle >= 0) {
    ::fsync(handle);
    ::close(handle);
  }
  return {};
}

std::string master_key_file_of(const Config& config) {
  if (!config.master_keys.empty()) return config.master_key_file;
  return config.database.kind == DatabaseKind::memory ? "" : config.database.path + ".key";
}

Result<MasterKeys> find_master_keys(const Config& config, Store& store, Random& random) {
  if (!config.master_keys.empty()) return MasterKeys{config.master_keys, {}};
  if (config.database.kind == DatabaseKind::memory)
    return MasterKeys{{draw_master_key(random)}, {}};

  const std::string path = master_key_file_of(config);
  if (::access(path.c_str(), F_OK) == 0) {
    TRY(std::vector<Secret> keys, read_master_keys(path));
    return MasterKeys{std::move(keys), {}};
  }
  TRY(const bool may_be_made, is_empty(store));
  if (!may_be_made) {
    return fail(Errc::invalid,
                "the database " + config.database.path +
                    " is sealed, and neither a master key is configured nor is " + path +
                    " there; bring the key back from where it was kept, then start again");
  }
  std::vector<Secret> keys{draw_master_key(random)};
  TRY_VOID(write_master_keys(path, keys));
  return MasterKeys{std::move(keys), path};
}

Result<std::vector<Secret>> existing_master_keys(const Config& config) {
  if (!config.master_keys.empty()) return config.master_keys;
  const std::string path = master_key_file_of(config);
  if (::access(path.c_str(), R_OK) == 0) return read_master_keys(path);
  return fail(Errc::not_found, "there is no master key: none is configured, and " + path +
                                   " cannot be read; give the key that the server has, and the "
                                   "path of its database with --database");
}

}  // namespace fanfare
