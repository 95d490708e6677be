// Data keys and what they sealed: rare writes, bounded in each step. Every look-up is by tenant,
// through an index.
#include "storage/sqlite/ops.h"

namespace fanfare::sqlite {
namespace {

struct SealedVersion {
  WebhookId webhook;
  std::int64_t version = 0;
  std::string headers;
};
struct SealedSecret {
  int position = 0;
  int number = 0;
  std::string sealed;
};
struct SealedAnswer {
  std::int64_t rowid = 0;
  std::string body;
};

// Rows are read before any is written, so that no walk meets its own changes.
Result<std::vector<SealedVersion>> next_versions(Connection& db, const ResealOp& op) {
  TRY(auto row, db.prepare("SELECT v.id, v.version, v.sealed_headers FROM webhooks w"
                           " INDEXED BY webhooks_by_tenant JOIN webhook_versions v ON v.id = w.id"
                           " WHERE w.tenant = ?1 AND w.id >= ?2 AND (w.id > ?2 OR v.version > ?3)"
                           " ORDER BY w.id, v.version LIMIT ?4"));
  row.bind(op.tenant, op.after.webhook, op.after.version, op.rows_max);
  std::vector<SealedVersion> versions;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return versions;
    SealedVersion& version = versions.emplace_back();
    TRY_VOID(row.read(version.webhook, version.version, version.headers));
  }
}

Result<std::vector<SealedSecret>> secrets_of(Connection& db, const SealedVersion& version) {
  TRY(auto row, db.prepare("SELECT position, number, sealed FROM webhook_secrets"
                           " WHERE webhook = ? AND version = ?"));
  row.bind(version.webhook, version.version);
  std::vector<SealedSecret> secrets;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return secrets;
    SealedSecret& secret = secrets.emplace_back();
    TRY_VOID(row.read(secret.position, secret.number, secret.sealed));
  }
}

Result<void> reseal_version(Connection& db, const ResealOp& op, const SealedVersion& version) {
  if (!version.headers.empty()) {
    const auto headers =
        op.reseal({SealedKind::headers, version.webhook, version.version, version.headers});
    if (headers) {
      TRY_VOID(db.run("UPDATE webhook_versions SET sealed_headers = ? WHERE id = ? AND version = ?",
                      Blob{*headers}, version.webhook, version.version));
      TRY_VOID(db.run("UPDATE webhooks SET sealed_headers = ? WHERE id = ? AND version = ?",
                      Blob{*headers}, version.webhook, version.version));
    }
  }
  TRY(const auto secrets, secrets_of(db, version));
  for (const SealedSecret& secret : secrets) {
    const auto sealed =
        op.reseal({SealedKind::secret, version.webhook, secret.number, secret.sealed});
    if (!sealed) continue;
    TRY_VOID(
        db.run("UPDATE webhook_secrets SET sealed = ?"
               " WHERE webhook = ? AND version = ? AND position = ?",
               Blob{*sealed}, version.webhook, version.version, secret.position));
  }
  return {};
}

Result<std::vector<SealedAnswer>> next_answers(Connection& db, const ResealOp& op) {
  TRY(auto row, db.prepare("SELECT rowid, body FROM answers INDEXED BY answers_sealed"
                           " WHERE is_sealed = 1 AND substr(body, 1, 30) = ?1 AND rowid > ?2"
                           " ORDER BY rowid LIMIT ?3"));
  const std::int64_t after = op.after.answer.empty() ? 0 : std::stoll(op.after.answer);
  const std::string tenant = to_string(op.tenant);
  row.bind(Blob{tenant}, after, op.rows_max);
  std::vector<SealedAnswer> answers;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return answers;
    SealedAnswer& answer = answers.emplace_back();
    TRY_VOID(row.read(answer.rowid, answer.body));
  }
}

Result<OpDone> reseal_versions(Connection& db, const ResealOp& op) {
  TRY(const auto versions, next_versions(db, op));
  Resealed done{op.after, true};
  for (const SealedVersion& version : versions) {
    TRY_VOID(reseal_version(db, op, version));
    done.next.webhook = version.webhook;
    done.next.version = version.version;
  }
  done.next.is_past_webhooks = versions.size() < op.rows_max;
  return done;
}

Result<OpDone> reseal_answers(Connection& db, const ResealOp& op) {
  TRY(const auto answers, next_answers(db, op));
  Resealed done{op.after, answers.size() == op.rows_max};
  for (const SealedAnswer& answer : answers) {
    const auto body = op.reseal({SealedKind::answer, WebhookId{}, 0, answer.body});
    if (body) {
      TRY_VOID(db.run("UPDATE answers SET body = ? WHERE rowid = ?", Blob{*body}, answer.rowid));
    }
    done.next.answer = std::to_string(answer.rowid);
  }
  return done;
}

}  // namespace

Result<OpDone> apply(Connection& db, const PutTenantKeysOp& op) {
  Settled written;
  for (const TenantKey& key : op.keys) {
    TRY(const auto rows,
        op.must_exist ? db.run("UPDATE tenant_keys SET wrapped = ? WHERE tenant = ? AND key_id = ?",
                               Blob{key.wrapped}, key.tenant, key.key_id)
                      : db.run("INSERT INTO tenant_keys SELECT ?1, ?2, ?3"
                               " WHERE EXISTS (SELECT 1 FROM tenants WHERE id = ?1)",
                               key.tenant, key.key_id, Blob{key.wrapped}));
    written.rows += static_cast<std::size_t>(rows);
  }
  return written;
}

Result<OpDone> apply(Connection& db, const DropTenantKeyOp& op) {
  TRY(const auto rows, db.run("DELETE FROM tenant_keys WHERE tenant = ?1 AND key_id = ?2 AND EXISTS"
                              " (SELECT 1 FROM tenant_keys WHERE tenant = ?1 AND key_id > ?2)",
                              op.tenant, op.key_id));
  if (rows == 1) return Unit{};
  return fail(Errc::conflict, "the data key " + std::to_string(op.key_id) + " of " +
                                  to_string(op.tenant) + " is its newest or not there");
}

Result<OpDone> apply(Connection& db, const ResealOp& op) {
  return op.after.is_past_webhooks ? reseal_answers(db, op) : reseal_versions(db, op);
}

}  // namespace fanfare::sqlite
