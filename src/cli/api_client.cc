#include "cli/api_client.h"

#include <curl/curl.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/server_url.h"
#include "config/toml_file.h"

namespace fanfare {
namespace {

constexpr std::size_t kKeyFileBytesMax = 8 * 1024;
constexpr std::size_t kAnswerBytesMax = 64 * 1024 * 1024;
constexpr long kConnectTimeoutMs = 5000;

using Curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

// Headers live as long as the call.
class Headers {
 public:
  Headers() = default;
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  ~Headers() { curl_slist_free_all(list_); }
  void add(const std::string& line) { list_ = curl_slist_append(list_, line.c_str()); }
  curl_slist* list() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

Result<Secret> key_in_file(const std::string& path) {
  TRY(std::string text, read_text_file(path, kKeyFileBytesMax));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) return fail(Errc::invalid, "the API key file " + path + " is empty");
  return Secret(std::move(text));
}

std::string variable(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

Result<Secret> find_key(const ApiFlags& flags, const Config& config,
                        const std::map<std::string, std::string>& environment) {
  if (!flags.key_file.empty()) return key_in_file(flags.key_file);
  if (auto key = variable(environment, "FANFARE_API_KEY"); !key.empty()) {
    return Secret(std::move(key));
  }
  if (const auto path = variable(environment, "FANFARE_API_KEY_FILE"); !path.empty()) {
    return key_in_file(path);
  }
  if (!config.admin_key.empty()) return config.admin_key;
  return fail(Errc::invalid,
              "no API key to call the server with: set FANFARE_API_KEY, give --api-key-file PATH, "
              "or the admin key that the server was started with");
}

bool is_sendable(const std::string& key) {
  return std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  const std::size_t length = size * count;
  if (body.size() + length > kAnswerBytesMax) return 0;  // ends the call with an error
  body.append(bytes, length);
  return length;
}

void set_up(CURL* call, const ApiRequest& request, const std::string& url, const Headers& headers) {
  curl_easy_setopt(call, CURLOPT_URL, url.c_str());
  curl_easy_setopt(call, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(call, CURLOPT_PROXY, "");  // whatever http_proxy says
  curl_easy_setopt(call, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(call, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(call, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(call, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(std::chrono::milliseconds(request.timeout).count()));
  curl_easy_setopt(call, CURLOPT_HTTPHEADER, headers.list());
  curl_easy_setopt(call, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "GET") return;
  curl_easy_setopt(call, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
  curl_easy_setopt(call, CURLOPT_POSTFIELDS, request.body.c_str());
}

tl::unexpected<Error> call_failed(CURLcode code, const std::string& url) {
  const std::string reason = curl_easy_strerror(code);
  const bool never_connected = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST;
  if (never_connected) {
    return fail(Errc::unavailable,
                "no server answers at " + url + " (" + reason +
                    "); start it with `fanfare serve`, or say where it listens with --url");
  }
  return fail(Errc::internal, "the call to " + url + " failed: " + reason);
}

std::string text_member(const boost::json::value& value, const char* name) {
  const auto* object = value.if_object();
  const auto* member = object ? object->if_contains(name) : nullptr;
  return member && member->is_string() ? std::string(member->as_string()) : std::string();
}

// What the server says about its refusal, and what to do about the usual ones.
std::string words_of(const ApiAnswer& answer) {
  boost::json::error_code error;
  const auto problem = boost::json::parse(answer.body, error);
  std::string words = error ? "" : text_member(problem, "detail");
  if (words.empty() && !error) words = text_member(problem, "title");
  if (words.empty()) words = "it is no answer of fanfare; is that its address?";
  if (answer.status == 401) words += "; the API key is not one of this server";
  return words;
}

// "/url: is required" of one member of "errors".
std::string words_of_field(const boost::json::value& error) {
  std::string where = text_member(error, "pointer");
  if (where.empty()) where = text_member(error, "parameter");
  return (where.empty() ? "" : where + ": ") + text_member(error, "detail");
}

}  // namespace

std::string refusal_in(const ApiAnswer& answer) {
  boost::json::error_code failure;
  const auto problem = boost::json::parse(answer.body, failure);
  const auto* object = failure ? nullptr : problem.if_object();
  const auto* errors = object ? object->if_contains("errors") : nullptr;
  std::string words;
  if (errors && errors->is_array()) {
    for (const auto& error : errors->get_array())
      words.append(words.empty() ? "" : "; ").append(words_of_field(error));
  }
  // The detail is the first of the errors again, so it counts only where there are none.
  if (words.empty() && object) words = text_member(problem, "detail");
  return words.empty() ? "the server answered " + std::to_string(answer.status) : words;
}

void add_api_flags(CLI::App& command, ApiFlags& flags) {
  command
      .add_option("--url", flags.url,
                  "The running server (default: where the configuration says that it listens).")
      ->type_name("URL");
  command
      .add_option("--api-key-file", flags.key_file,
                  "The key to call it with (default: the admin key). [FANFARE_API_KEY]")
      ->type_name("PATH");
}

Result<ApiAccess> api_access(const ApiFlags& flags, const Config& config,
                             const std::map<std::string, std::string>& environment) {
  ApiAccess access;
  access.url = flags.url;
  if (access.url.empty()) {
    if (config.listen.port == 0) {
      return fail(Errc::invalid,
                  "the server listens on any free port, so where is not known here: say it with "
                  "--url");
    }
    access.url = url_of(config, config.listen.port);
  }
  if (!access.url.starts_with("http://") && !access.url.starts_with("https://")) {
    return fail(Errc::invalid, "--url must start with http:// or https://");
  }
  while (access.url.ends_with('/')) access.url.pop_back();
  TRY(access.key, find_key(flags, config, environment));
  if (!is_sendable(access.key.reveal())) {
    return fail(Errc::invalid, "the API key must consist of visible ASCII characters");
  }
  return access;
}

Result<ApiAnswer> ApiClient::send(const ApiRequest& request) const {
  static const CURLcode is_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  const Curl call(is_ready == CURLE_OK ? curl_easy_init() : nullptr, &curl_easy_cleanup);
  if (!call) return fail(Errc::internal, "cannot set up an HTTP client");
  Headers headers;
  headers.add("Authorization: Bearer " + access_.key.reveal());
  headers.add("Accept: application/json");
  headers.add("Expect:");
  if (!request.body.empty()) headers.add("Content-Type: application/json");
  set_up(call.get(), request, access_.url + request.path, headers);
  ApiAnswer answer;
  curl_easy_setopt(call.get(), CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(call.get(), CURLOPT_WRITEDATA, &answer.body);
  const CURLcode code = curl_easy_perform(call.get());
  if (code != CURLE_OK) return call_failed(code, access_.url);
  long status = 0;
  curl_easy_getinfo(call.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

Result<std::string> ApiClient::call(const ApiRequest& request) const {
  TRY(ApiAnswer answer, send(request));
  if (answer.status >= 200 && answer.status < 300) return std::move(answer.body);
  const Errc code = answer.status == 404 ? Errc::not_found : Errc::internal;
  return fail(code, request.method + " " + access_.url + request.path + " was answered with " +
                        std::to_string(answer.status) + ": " + words_of(answer));
}

}  // namespace fanfare
