// For tests: certificates made on the spot with OpenSSL, and a TLS receiver that runs a script
// after its handshake.
#pragma once

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "net/scripted_server.h"

namespace fanfare {

template <auto Free>
struct OpensslDeleter {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using KeyHandle = std::unique_ptr<EVP_PKEY, OpensslDeleter<EVP_PKEY_free>>;
using CertificateHandle = std::unique_ptr<X509, OpensslDeleter<X509_free>>;

struct Identity {
  KeyHandle key;
  CertificateHandle certificate;
};

struct CertificateRequest {
  std::string common_name;
  std::string alternative_name = {};  // "DNS:hooks.example.com", "IP:127.0.0.1"; empty = none
  int starts_in_days = -1;
  int ends_in_days = 30;
  bool is_authority = false;
  std::string key_usage = {};  // extended: "serverAuth", "clientAuth"; empty = any
};

inline void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Signed by `issuer`, or by itself if there is none.
inline Identity issue(const CertificateRequest& request, const Identity* issuer = nullptr) {
  static std::atomic<long> serial{1};
  Identity made{KeyHandle(EVP_EC_gen("P-256")), CertificateHandle(X509_new())};
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_time_adj_ex(X509_getm_notBefore(certificate), request.starts_in_days, 0, nullptr);
  X509_time_adj_ex(X509_getm_notAfter(certificate), request.ends_in_days, 0, nullptr);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(request.common_name.c_str()),
                             -1, -1, 0);
  X509_set_pubkey(certificate, made.key.get());
  const Identity& signer = issuer != nullptr ? *issuer : made;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer.certificate.get()));
  add_extension(certificate, NID_basic_constraints,
                request.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!request.alternative_name.empty()) {
    add_extension(certificate, NID_subject_alt_name, request.alternative_name);
  }
  if (!request.key_usage.empty()) add_extension(certificate, NID_ext_key_usage, request.key_usage);
  X509_sign(certificate, signer.key.get(), EVP_sha256());
  return made;
}

// A certificate in a file of its own, gone with this object.
class CaFile {
 public:
  explicit CaFile(const Identity& authority) {
    std::string name = (std::filesystem::temp_directory_path() / "fanfare-ca-XXXXXX").string();
    const int fd = ::mkstemp(name.data());
    EXPECT_GE(fd, 0);
    FILE* file = ::fdopen(fd, "w");
    PEM_write_X509(file, authority.certificate.get());
    std::fclose(file);
    path_ = name;
  }
  ~CaFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Answers every request with 200 once the handshake stands.
class TlsServer {
 public:
  explicit TlsServer(const Identity& identity, int version_max = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_server_method())),
        server_([this](ScriptedPeer& peer) { run(peer); }) {
    SSL_CTX_set_security_level(context_.get(), 0);  // so that old versions can be offered
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), version_max);
    SSL_CTX_use_certificate(context_.get(), identity.certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), identity.key.get());
    static constexpr unsigned char kContext[] = "test";
    SSL_CTX_set_session_id_context(context_.get(), kContext, 4);
  }
  // Before the first connection.
  void demand_certificate() {
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  void offer_only(const char* ciphers) { SSL_CTX_set_cipher_list(context_.get(), ciphers); }
  void present(const Identity& intermediate) {
    SSL_CTX_add1_chain_cert(context_.get(), intermediate.certificate.get());
  }

  std::uint16_t port() const { return server_.port(); }
  int accepted() const { return server_.accepted(); }
  int resumed() const { return resumed_; }
  int requests() const { return requests_; }
  bool has_name() const { return has_name_; }

 private:
  void run(ScriptedPeer& peer) {
    std::unique_ptr<SSL, OpensslDeleter<SSL_free>> ssl(SSL_new(context_.get()));
    SSL_set_fd(ssl.get(), peer.fd());
    if (SSL_accept(ssl.get()) != 1) return;
    if (SSL_session_reused(ssl.get()) == 1) ++resumed_;
    if (SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name) != nullptr) has_name_ = true;
    std::string pending;
    char buffer[4096];
    for (int got = 1; got > 0;) {
      got = SSL_read(ssl.get(), buffer, sizeof buffer);
      pending.append(buffer, static_cast<std::size_t>(std::max(got, 0)));
      if (!pending.ends_with("\"}")) continue;
      pending.clear();
      ++requests_;
      SSL_write(ssl.get(), kOk.data(), static_cast<int>(kOk.size()));
    }
  }

  std::unique_ptr<SSL_CTX, OpensslDeleter<SSL_CTX_free>> context_;
  std::atomic<int> resumed_{0};
  std::atomic<int> requests_{0};
  std::atomic<bool> has_name_{false};
  ScriptedServer server_;  // last: its threads use the rest
};

}  // namespace fanfare
