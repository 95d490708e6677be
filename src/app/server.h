// Server: the composition root. It opens the store, builds reactors, senders, engine and API, runs
// their threads, and takes them down in the order that loses nothing. The only place that names
// concrete types.
//
// Owner thread only (main's).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/loop.h"
#include "config/config.h"
#include "delivery/engine.h"
#include "domain/profile.h"
#include "net/http_server.h"
#include "telemetry/log.h"

namespace fanfare {

struct ServerHooks {
  // Asked for requests that no API route knows; true if it took them (the inbox of `fanfare dev`).
  std::function<bool(net::HttpRequest&, net::Responder&)> extra_routes;
};

class Server {
 public:
  // Everything up to accepting connections. Errors are sentences for the person who started it.
  static Result<std::unique_ptr<Server>> start(const Config& config,
                                               std::shared_ptr<const Profile> profile, Log& log,
                                               ServerHooks hooks);
  ~Server();

  std::uint16_t port() const;
  Engine& engine();
  Loop& loop();  // of the first reactor
  const Clock& clock() const;
  Random& random();

  // Stops accepting, finishes requests and attempts under way within the drain timeout, stores
  // every outcome, and ends all threads. Blocks. What is cut off at the deadline is still queued
  // and is attempted after the next start.
  void stop();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fanfare
