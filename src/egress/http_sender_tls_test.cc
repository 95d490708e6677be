#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egress/sender_fixture.h"
#include "net/tls_test_kit.h"

namespace fanfare {
namespace {

using testing::HasSubstr;

constexpr const char* kHost = "hooks.example.com";

class HttpSenderTls : public testing::Test {
 protected:
  HttpSenderTls()
      : authority_(issue({.common_name = "Test CA", .is_authority = true})), ca_file_(authority_) {
    // A broken pipe must not need a signal handler.
    std::signal(SIGPIPE, SIG_DFL);
  }
  Identity good() const {
    return issue({.common_name = kHost, .alternative_name = std::string("DNS:") + kHost},
                 &authority_);
  }
  std::unique_ptr<RunningSender> sender(HttpSenderOptions options = {}) const {
    auto made = std::make_unique<RunningSender>(loopback_policy(), options, ca_file_.path());
    made->resolver.add(kHost, {"127.0.0.1"});
    made->resolver.add("other.example.com", {"127.0.0.1"});
    return made;
  }
  static std::string url(const TlsServer& server, std::string_view host = kHost) {
    return "https://" + std::string(host) + ":" + std::to_string(server.port()) + "/hook";
  }
  HttpOutcome send_to(const Identity& identity, std::string_view host = kHost) const {
    TlsServer server(identity);
    const auto running = sender();
    const HttpOutcome outcome = running->send(url(server, host));
    EXPECT_EQ(server.requests(), outcome.error == ErrorKind::none ? 1 : 0)
        << "nothing is sent to a peer that was not verified";
    return outcome;
  }

  Identity authority_;
  CaFile ca_file_;
};

TEST_F(HttpSenderTls, DeliversToAReceiverWithAGoodCertificate) {
  const HttpOutcome outcome = send_to(good());

  EXPECT_EQ(outcome.status, 200) << outcome.error_text;
  EXPECT_EQ(outcome.body, "ok");
  EXPECT_TRUE(outcome.timing.tls_ms);
  EXPECT_THAT(outcome.tls, HasSubstr("TLSv1.3 TLS_"));
}

TEST_F(HttpSenderTls, RefusesACertificateForAnotherHost) {
  const HttpOutcome outcome = send_to(good(), "other.example.com");

  EXPECT_EQ(outcome.error, ErrorKind::tls_certificate);
  EXPECT_THAT(outcome.error_text, HasSubstr("another host"));
}

TEST_F(HttpSenderTls, RefusesAnExpiredCertificate) {
  const HttpOutcome outcome = send_to(issue({.common_name = kHost,
                                             .alternative_name = std::string("DNS:") + kHost,
                                             .starts_in_days = -30,
                                             .ends_in_days = -1},
                                            &authority_));
  EXPECT_EQ(outcome.error, ErrorKind::tls_certificate);
  EXPECT_THAT(outcome.error_text, HasSubstr("expired"));
}

TEST_F(HttpSenderTls, RefusesACertificateOfTheFuture) {
  const HttpOutcome outcome = send_to(issue(
      {.common_name = kHost, .alternative_name = std::string("DNS:") + kHost, .starts_in_days = 2},
      &authority_));
  EXPECT_THAT(outcome.error_text, HasSubstr("not valid yet"));
}

TEST_F(HttpSenderTls, RefusesASelfSignedCertificate) {
  const HttpOutcome outcome =
      send_to(issue({.common_name = kHost, .alternative_name = std::string("DNS:") + kHost}));

  EXPECT_EQ(outcome.error, ErrorKind::tls_certificate);
  EXPECT_THAT(outcome.error_text, HasSubstr("self-signed"));
}

TEST_F(HttpSenderTls, RefusesAnUnknownAuthority) {
  const Identity stranger = issue({.common_name = "Stranger CA", .is_authority = true});
  const HttpOutcome outcome = send_to(
      issue({.common_name = kHost, .alternative_name = std::string("DNS:") + kHost}, &stranger));

  EXPECT_EQ(outcome.error, ErrorKind::tls_certificate);
  EXPECT_THAT(outcome.error_text, HasSubstr("unknown authority"));
}

TEST_F(HttpSenderTls, RefusesACertificateThatNamesTheHostOnlyInItsSubject) {
  const HttpOutcome outcome = send_to(issue({.common_name = kHost}, &authority_));

  EXPECT_THAT(outcome.error_text, HasSubstr("another host"));
}

TEST_F(HttpSenderTls, RefusesACertificateForAnotherPurpose) {
  const HttpOutcome outcome = send_to(issue({.common_name = kHost,
                                             .alternative_name = std::string("DNS:") + kHost,
                                             .key_usage = "clientAuth"},
                                            &authority_));

  EXPECT_EQ(outcome.error, ErrorKind::tls_certificate);
  EXPECT_THAT(outcome.error_text, HasSubstr("not made for servers"));
}

TEST_F(HttpSenderTls, RefusesAnIssuerThatIsNoAuthority) {
  const Identity middle = issue({.common_name = "Not a CA"}, &authority_);
  const Identity leaf =
      issue({.common_name = kHost, .alternative_name = std::string("DNS:") + kHost}, &middle);
  TlsServer server(leaf);
  server.present(middle);
  const auto running = sender();

  const HttpOutcome outcome = running->send(url(server));

  EXPECT_EQ(outcome.error, ErrorKind::tls_certificate);
  EXPECT_THAT(outcome.error_text, HasSubstr("may not issue"));
}

TEST_F(HttpSenderTls, NamesAReceiverThatWantsAClientCertificate) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsServer server(good(), version);
    server.demand_certificate();
    const auto running = sender();

    const HttpOutcome outcome = running->send(url(server));

    EXPECT_EQ(outcome.error, ErrorKind::tls) << version;
    EXPECT_THAT(outcome.error_text, HasSubstr("asked for a client certificate")) << version;
    EXPECT_EQ(server.requests(), 0);
  }
}

TEST_F(HttpSenderTls, NamesAReceiverWithNoCipherInCommon) {
  TlsServer server(good(), TLS1_2_VERSION);
  server.offer_only("ECDHE-RSA-AES128-GCM-SHA256");  // its key is not an RSA key
  const auto running = sender();

  const HttpOutcome outcome = running->send(url(server));

  EXPECT_EQ(outcome.error, ErrorKind::tls);
  EXPECT_THAT(outcome.error_text, HasSubstr("nothing in common"));
}

TEST_F(HttpSenderTls, LiteralNeedsAnAddressInTheCertificateAndSendsNoName) {
  TlsServer server(issue({.common_name = "x", .alternative_name = "IP:127.0.0.1"}, &authority_));
  const auto running = sender();

  EXPECT_EQ(running->send(url(server, "127.0.0.1")).status, 200);
  EXPECT_FALSE(server.has_name());
  EXPECT_EQ(send_to(good(), "127.0.0.1").error, ErrorKind::tls_certificate);
}

TEST_F(HttpSenderTls, RefusesVersionsBefore12) {
  TlsServer server(good(), TLS1_1_VERSION);
  const auto running = sender();

  const HttpOutcome outcome = running->send(url(server));

  EXPECT_EQ(outcome.error, ErrorKind::tls);
  EXPECT_THAT(outcome.error_text, HasSubstr("no version of TLS"));
}

TEST_F(HttpSenderTls, SpeaksTls12) {
  TlsServer server(good(), TLS1_2_VERSION);
  const auto running = sender();

  EXPECT_THAT(running->send(url(server)).tls, HasSubstr("TLSv1.2 "));
}

TEST_F(HttpSenderTls, PlainReceiverOnATlsPortIsAProtocolFailure) {
  ScriptedServer server([](ScriptedPeer& peer) {
    peer.receive();
    peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    peer.wait_for_end();
  });
  const auto running = sender();

  const HttpOutcome outcome =
      running->send("https://hooks.example.com:" + std::to_string(server.port()) + "/");

  EXPECT_EQ(outcome.error, ErrorKind::tls);
  EXPECT_THAT(outcome.error_text, HasSubstr("does not speak TLS"));
}

TEST_F(HttpSenderTls, ReceiverThatHangsUpInTheHandshakeIsAFailure) {
  ScriptedServer server([](ScriptedPeer& peer) { peer.receive(); });
  const auto running = sender();

  const HttpOutcome outcome =
      running->send("https://hooks.example.com:" + std::to_string(server.port()) + "/");

  EXPECT_EQ(outcome.error, ErrorKind::tls);
  EXPECT_THAT(outcome.error_text, HasSubstr("closed the connection"));
}

TEST_F(HttpSenderTls, SilentHandshakeHasItsOwnDeadline) {
  ScriptedServer server([](ScriptedPeer& peer) { peer.wait_for_end(); });
  const auto running = sender({.tls_timeout = Millis{60}});

  const HttpOutcome outcome =
      running->send("https://hooks.example.com:" + std::to_string(server.port()) + "/");

  EXPECT_EQ(outcome.error, ErrorKind::tls_timeout);
  EXPECT_THAT(outcome.error_text, HasSubstr("TLS handshake within 60ms"));
}

TEST_F(HttpSenderTls, ReusesTheConnection) {
  TlsServer server(good());
  const auto running = sender();

  for (int i = 0; i < 5; ++i) EXPECT_EQ(running->send(url(server)).status, 200);

  EXPECT_EQ(server.accepted(), 1);
  EXPECT_EQ(server.requests(), 5);
}

TEST_F(HttpSenderTls, ResumesTheSessionOfTheSameWebhookOnly) {
  TlsServer server(good());
  const auto running = sender({.pool = {.requests_max = 1}});
  SendRequest request = RunningSender::request(url(server));
  EXPECT_EQ(running->send(request).status, 200);
  SendRequest other = request;
  other.webhook.value.bytes[0] = 9;

  EXPECT_EQ(running->send(other).status, 200);
  EXPECT_EQ(server.resumed(), 0) << "a ticket ties no two webhooks together";
  EXPECT_EQ(running->send(request).status, 200);

  EXPECT_EQ(server.accepted(), 3);
  EXPECT_EQ(server.resumed(), 1);
}

TEST_F(HttpSenderTls, DoesNotResumeASessionOfBeforeAReload) {
  TlsServer server(good());
  const auto running = sender({.pool = {.requests_max = 1}});
  EXPECT_EQ(running->send(url(server)).status, 200);

  ASSERT_TRUE(running->tls().reload());
  EXPECT_EQ(running->send(url(server)).status, 200);

  EXPECT_EQ(server.resumed(), 0);
  EXPECT_EQ(running->send(url(server)).status, 200);
  EXPECT_EQ(server.resumed(), 1) << "the session made after it is";
}

TEST_F(HttpSenderTls, ACaFileTakesThePlaceOfTheSystemsRoots) {
  const Identity stranger = issue({.common_name = "Another CA", .is_authority = true});
  const CaFile other(stranger);
  ::setenv("SSL_CERT_FILE", ca_file_.path().c_str(), 1);  // the system's roots for OpenSSL
  TlsServer server(good());
  RunningSender by_system(loopback_policy());
  RunningSender by_file(loopback_policy(), {}, other.path());
  ::unsetenv("SSL_CERT_FILE");
  by_system.resolver.add(kHost, {"127.0.0.1"});
  by_file.resolver.add(kHost, {"127.0.0.1"});

  EXPECT_EQ(by_system.send(url(server)).status, 200);
  EXPECT_EQ(by_file.send(url(server)).error, ErrorKind::tls_certificate);
}

TEST(TlsClient, RefusesACaFileThatCannotBeRead) {
  const auto made = net::TlsClient::create({.ca_file = "/nonexistent/ca.pem"});

  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::invalid);
}

TEST(TlsSessions, KeepTheirByteBudget) {
  net::TlsSessions sessions(10'000);
  for (int i = 0; i < 100; ++i) sessions.store("key" + std::to_string(i), std::string(1000, 'x'));

  EXPECT_LE(sessions.bytes(), 10'000U);
  EXPECT_TRUE(sessions.find("key0").empty()) << "the oldest went";
  EXPECT_EQ(sessions.find("key99").size(), 1000U);
  sessions.store("key99", "new");
  EXPECT_EQ(sessions.find("key99"), "new");
  sessions.store("huge", std::string(20'000, 'x'));
  EXPECT_TRUE(sessions.find("huge").empty());
}

}  // namespace
}  // namespace fanfare
