// KeyWork: replaces the keys that seal secrets while the server runs. Two kinds of work, each in
// bounded operations between other commits:
//
// Master keys: every data key that the newest master key has not wrapped is wrapped by it and
// stored, and at last the check value; then older ones open nothing any more and may be removed.
//
// Data keys of a tenant: a new one is stored and used from its commit on, in the same moment for
// all threads (see `sealing`). Then what older keys sealed is sealed anew, and the older keys are
// deleted.
//
// What is left to do always follows from what is stored, so a process that ends in between loses
// nothing: resume() goes on. Errors of the store are tried again after a pause.
//
// Works on one loop, the engine's first; rotate(), rewrap() and resume() may be called on any.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <shared_mutex>
#include <vector>

#include "auth/vault.h"
#include "base/loop.h"
#include "delivery/journal.h"

namespace fanfare {

class KeyWork {
 public:
  struct Doors {
    Loop& loop;
    Vault& vault;
    Journal& journal;
    std::atomic<std::uint32_t>& last_key_id;
  };
  explicit KeyWork(Doors doors) : doors_(doors) {}

  // A new data key for each tenant; `done`, on this class's loop, once all are stored and in use.
  void rotate(std::vector<TenantId> tenants, UniqueFunction<void(Result<void>)> done);
  // Moves what older master keys wrapped to the newest.
  void rewrap();
  // Takes up whatever is left to do. Before any thread runs or later.
  void resume();

  // Held, shared, while something is sealed and handed to the journal. Switching to a new data key
  // takes it alone, so whatever was sealed with the old key is ahead of the first operation that
  // looks for it.
  std::shared_mutex sealing;

 private:
  struct Rotation;
  void store_next_keys(const std::shared_ptr<Rotation>& rotation);
  void keys_stored(const std::shared_ptr<Rotation>& rotation, Result<OpDone> done);
  void rewrap_next();
  void check_next();
  void begin_reseal(TenantId tenant);
  void reseal_next();
  void resealed(Result<OpDone> done);
  void drop_older(TenantId tenant);
  void next_tenant();
  std::optional<std::string> resealed_row(TenantId tenant, const SealedRow& row);
  // Queues an operation; `committed` runs on the journal's thread in commit order, `done` on the
  // loop.
  void write(WriteAction action, UniqueFunction<void()> committed,
             UniqueFunction<void(Result<OpDone>)> done);
  void pause(UniqueFunction<void()> then);

  const Doors doors_;
  // On the loop only.
  bool is_rewrapping_ = false;
  std::deque<TenantId> to_reseal_;  // the first one is under way
  ResealPosition reached_;
  // Sealed values of the tenant under way that did not open. Its older keys stay then.
  std::atomic<std::size_t> unreadable_{0};
};

}  // namespace fanfare
