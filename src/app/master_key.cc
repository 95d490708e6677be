#include "app/master_key.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include "base/encoding.h"
#include "signing/digest.h"

namespace fanfare {

namespace {

constexpr std::size_t kKeyBytes = 32;

Secret draw(Random& random) {
  std::string bytes(kKeyBytes, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  return Secret(std::move(bytes));
}

Result<Secret> read_key_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(Errc::not_found, "cannot open " + path);
  std::string line;
  std::getline(file, line);
  Result<std::string> bytes = base64_decode(line);
  if (!bytes || bytes->size() != kKeyBytes) {
    return fail(
        Errc::corrupt,
        path + " does not hold a master key (base64 of 32 bytes); restore it from a backup");
  }
  return Secret(*std::move(bytes));
}

// The file is whole or not there, and it and its directory entry are on disk before anything is
// sealed with the key.
Result<void> write_key_file(const std::string& path, const Secret& key) {
  const std::string text = base64_encode(bytes_of(key.reveal())) + "\n";
  const std::string unfinished = path + ".new";
  const auto failed = [&] {
    const std::string reason = std::strerror(errno);
    ::unlink(unfinished.c_str());
    return fail(Errc::unavailable, "cannot write the master key to " + path + ": " + reason);
  };
  const int file = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return failed();
  const bool is_written =
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

Result<bool> is_empty(Store& store) {
  TRY(const std::unique_ptr<Reader> reader, store.open_reader());
  TRY(const ConfigSnapshot config, reader->load_config());
  return config.settings.empty() && config.tenants.empty();
}

}  // namespace

Result<MasterKey> find_master_key(const Config& config, Store& store, Random& random) {
  if (!config.master_key.empty()) return MasterKey{config.master_key, {}};
  if (config.database.kind == DatabaseKind::memory) return MasterKey{draw(random), {}};

  const std::string path = config.database.path + ".key";
  if (::access(path.c_str(), F_OK) == 0) {
    TRY(Secret key, read_key_file(path));
    return MasterKey{std::move(key), {}};
  }
  TRY(const bool may_be_made, is_empty(store));
  if (!may_be_made) {
    return fail(Errc::invalid,
                "the database " + config.database.path +
                    " is sealed, and neither a master key is configured nor is " + path +
                    " there; bring the key back from where it was kept, then start again");
  }
  Secret key = draw(random);
  TRY_VOID(write_key_file(path, key));
  return MasterKey{std::move(key), path};
}

Secret derived_key(const Secret& master_key, std::string_view purpose) {
  const Digest digest = HmacKey(master_key.reveal()).mac({"fanfare|derived|v1|", purpose});
  return Secret(std::string(digest.begin(), digest.end()));
}

}  // namespace fanfare
