// Verb: one word after `fanfare`, such as `serve`. The table of all of them is verbs.cc; each
// stands in a file of its own.
//
// Every verb takes the options of the configuration, from the same flags, file and environment as
// the server, so that it means the same database and the same address. Work on the running server
// goes through its API (api_client.h); work on a database that no server has open takes its lock.
//
// Data goes to standard output, messages to standard error. One thread.
#pragma once

#include <memory>
#include <vector>

#include "config/config.h"

namespace CLI {
class App;
}

namespace fanfare {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;    // it was understood, and did not work
inline constexpr int kExitWrongUse = 2;  // it was called or configured wrongly; nothing was done

class Verb {
 public:
  virtual ~Verb() = default;
  virtual const char* name() const = 0;
  virtual const char* summary() const = 0;  // one sentence, for --help
  // Adds options and words of its own, read into members; those of the configuration are there.
  virtual void declare(CLI::App&) {}
  // What counts where nobody said otherwise, by the option's name.
  virtual std::map<std::string, std::string> defaults() const { return {}; }
  // Answers the exit code. `sources` is where `config` came from.
  virtual int run(const Config& config, const ConfigSources& sources) = 0;
};

// In the order of --help.
std::vector<std::unique_ptr<Verb>> all_verbs();

std::unique_ptr<Verb> make_serve_verb();
std::unique_ptr<Verb> make_dev_verb();
std::unique_ptr<Verb> make_keys_verb();
std::unique_ptr<Verb> make_audit_verb();
std::unique_ptr<Verb> make_import_verb();
std::unique_ptr<Verb> make_migrate_verb();
std::unique_ptr<Verb> make_cleanup_verb();

}  // namespace fanfare
