#include "net/tls_client.h"

#include <cstdint>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/assert.h"

namespace fanfare::net {

namespace {

constexpr long kCertificateListBytesMax = 64 * 1024;
constexpr std::size_t kEntryOverhead = 200;  // list node, map node and string headers

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextHandle = std::unique_ptr<SSL_CTX, ContextDeleter>;

int peer_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Sessions verified by other roots than a context's own are never found: the key says which reload
// made the context.
std::string session_key(const SSL* ssl, const TlsPeer& peer) {
  const auto generation =
      reinterpret_cast<std::uintptr_t>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  return std::to_string(generation) + ' ' + peer.session_key;
}

// A ticket has come (with TLS 1.3 after the handshake): keep it under the key of the connection
// that earned it.
int on_new_session(SSL* ssl, SSL_SESSION* session) {
  const auto* peer = static_cast<const TlsPeer*>(SSL_get_ex_data(ssl, peer_index()));
  if (peer == nullptr || peer->sessions == nullptr) return 0;
  const int size = i2d_SSL_SESSION(session, nullptr);
  if (size <= 0) return 0;
  std::string bytes(static_cast<std::size_t>(size), '\0');
  auto* out = reinterpret_cast<unsigned char*>(bytes.data());
  i2d_SSL_SESSION(session, &out);
  peer->sessions->store(session_key(ssl, *peer), std::move(bytes));
  return 0;  // OpenSSL keeps its own reference
}

int wanted_certificate_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// The receiver asks for a client certificate; there is none, and that it asked is noted.
int on_certificate_wanted(SSL* ssl, X509** /*certificate*/, EVP_PKEY** /*key*/) {
  SSL_set_ex_data(ssl, wanted_certificate_index(), ssl);
  return 0;
}

void set_rules(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);  // one system call for each record, not two
  SSL_CTX_set_max_cert_list(context, kCertificateListBytesMax);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
  SSL_CTX_set_client_cert_cb(context, on_certificate_wanted);
  static constexpr unsigned char kAlpn[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context, kAlpn, sizeof kAlpn - 1);
}

Result<ContextHandle> make_context(const TlsOptions& options) {
  ContextHandle context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return fail(Errc::internal, "OpenSSL could not make a TLS context");
  set_rules(context.get());
  if (options.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (SSL_CTX_load_verify_file(context.get(), options.ca_file.c_str()) != 1) {
    ERR_clear_error();
    return fail(Errc::invalid, "no certificates could be read from the CA file " + options.ca_file);
  }
  ERR_clear_error();
  return context;
}

bool expect_peer(SSL* ssl, const TlsPeer& peer) {
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(
      rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (peer.ip) {
    return X509_VERIFY_PARAM_set1_ip(rules, peer.ip->bytes.data(), peer.ip->is_v6 ? 16 : 4) == 1;
  }
  return X509_VERIFY_PARAM_set1_host(rules, peer.host.data(), peer.host.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, peer.host.c_str()) == 1;
}

void offer_session(SSL* ssl, const TlsPeer& peer) {
  if (peer.sessions == nullptr) return;
  const std::string_view bytes = peer.sessions->find(session_key(ssl, peer));
  if (bytes.empty()) return;
  const auto* in = reinterpret_cast<const unsigned char*>(bytes.data());
  SSL_SESSION* session = d2i_SSL_SESSION(nullptr, &in, static_cast<long>(bytes.size()));
  if (session == nullptr) return;
  SSL_set_session(ssl, session);
  SSL_SESSION_free(session);
}

std::string describe_certificate(long result) {
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the receiver's certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the receiver's certificate is not valid yet";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "the receiver's certificate is self-signed";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "the receiver's certificate was issued by an unknown authority, or it does not send "
             "the intermediate certificates";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the receiver's certificate is for another host";
    case X509_V_ERR_INVALID_PURPOSE:
      return "the receiver's certificate is not made for servers";
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
      return "a certificate in the receiver's chain was issued by one that may not issue any";
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return "a key or signature of the receiver's certificate is too weak";
    default:
      return std::string("the receiver's certificate is not accepted: ") +
             X509_verify_cert_error_string(result);
  }
}

// What OpenSSL calls a reason, in words for somebody who runs a web server. Null for the many that
// nobody meets.
const char* describe_reason(int reason) {
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return "the receiver does not speak TLS on this port";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return "the receiver speaks no version of TLS from 1.2 on";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
      return "the receiver ended the TLS handshake because it has nothing in common with this "
             "server";
    case SSL_R_TLSV1_UNRECOGNIZED_NAME:
      return "the receiver's TLS server does not know this host name";
    case SSL_R_DH_KEY_TOO_SMALL:
    case SSL_R_WRONG_SIGNATURE_TYPE:
      return "the receiver's side of the TLS handshake is too weak";
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return "the receiver closed the connection during the TLS handshake";
    default:
      return nullptr;
  }
}

}  // namespace

void SslDeleter::operator()(SSL* ssl) const {
  SSL_free(ssl);
}

void TlsSessions::erase(std::list<Entry>::iterator entry) {
  bytes_ -= entry->key.size() + entry->session.size() + kEntryOverhead;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

void TlsSessions::store(std::string_view key, std::string session) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) erase(found->second);
  const std::size_t cost = key.size() + session.size() + kEntryOverhead;
  if (cost > bytes_max_) return;
  while (bytes_ + cost > bytes_max_) erase(entries_.begin());
  entries_.push_back({std::string(key), std::move(session)});
  by_key_.emplace(entries_.back().key, std::prev(entries_.end()));
  bytes_ += cost;
}

std::string_view TlsSessions::find(std::string_view key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? std::string_view{} : std::string_view(found->second->session);
}

void TlsSessions::clear() {
  by_key_.clear();
  entries_.clear();
  bytes_ = 0;
}

Result<std::unique_ptr<TlsClient>> TlsClient::create(TlsOptions options) {
  std::unique_ptr<TlsClient> client(new TlsClient(std::move(options)));
  TRY_VOID(client->reload());
  return client;
}

TlsClient::~TlsClient() {
  SSL_CTX_free(context_);
}

Result<void> TlsClient::reload() {
  TRY(ContextHandle fresh, make_context(options_));
  const std::lock_guard lock(mutex_);
  SSL_CTX_set_app_data(fresh.get(), reinterpret_cast<void*>(++generation_));
  SSL_CTX_free(std::exchange(context_, fresh.release()));
  return {};
}

SslHandle TlsClient::start(const TlsPeer& peer, BIO* transport) const {
  FANFARE_ASSERT(peer.ip.has_value() != !peer.host.empty());
  SslHandle ssl;
  {
    const std::lock_guard lock(mutex_);
    ssl.reset(SSL_new(context_));
  }
  if (ssl == nullptr) {
    BIO_free(transport);
    return nullptr;
  }
  SSL_set_bio(ssl.get(), transport, transport);
  SSL_set_connect_state(ssl.get());
  SSL_set_ex_data(ssl.get(), peer_index(), const_cast<TlsPeer*>(&peer));
  if (!expect_peer(ssl.get(), peer)) return nullptr;
  offer_session(ssl.get(), peer);
  return ssl;
}

TlsFailure describe_tls_failure(const SSL* ssl, int ssl_error) {
  const long verified = SSL_get_verify_result(ssl);
  const unsigned long error = ERR_peek_error();
  ERR_clear_error();
  if (verified != X509_V_OK) return {ErrorKind::tls_certificate, describe_certificate(verified)};
  if (wanted_client_certificate(ssl)) return {ErrorKind::tls, std::string(kNoClientCertificate)};
  const bool is_protocol = ssl_error == SSL_ERROR_SSL && ERR_GET_LIB(error) == ERR_LIB_SSL;
  const int reason = is_protocol ? ERR_GET_REASON(error) : SSL_R_UNEXPECTED_EOF_WHILE_READING;
  if (const char* text = describe_reason(reason)) return {ErrorKind::tls, text};
  const char* words = ERR_reason_error_string(error);
  return {ErrorKind::tls, std::string("the TLS handshake failed: ") +
                              (words != nullptr ? words : "protocol error")};
}

bool wanted_client_certificate(const SSL* ssl) {
  return SSL_get_ex_data(ssl, wanted_certificate_index()) != nullptr;
}

std::string describe_tls(const SSL* ssl) {
  return std::string(SSL_get_version(ssl)) + " " + SSL_get_cipher_name(ssl);
}

}  // namespace fanfare::net
