#include "base/json_scan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <list>

#include "base/encoding.h"
#include "base/json_text.h"
#include "base/limits.h"

namespace fanfare {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;

constexpr std::size_t kBlockBytes = sizeof(std::uint64_t);

std::uint64_t load_little_endian(const char* bytes) {
  std::uint64_t block = 0;
  std::memcpy(&block, bytes, kBlockBytes);
  if constexpr (std::endian::native == std::endian::big) block = __builtin_bswap64(block);
  return block;
}

// How many of eight bytes come before the first one that needs a closer look inside a string: a
// quote, a backslash, a control character, or a byte of UTF-8 beyond ASCII. Each term sets the high
// bit of a byte that it is about; a borrow can raise a false alarm only above a true one, so the
// lowest is exact.
std::size_t plain_bytes(std::uint64_t block) {
  const std::uint64_t quote = block ^ (kOnes * '"');
  const std::uint64_t backslash = block ^ (kOnes * '\\');
  const std::uint64_t found =
      (block - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes) | block;
  return static_cast<std::size_t>(std::countr_zero(found & kHighBits)) / 8;
}

// Cheap, and good enough to tell honest keys apart; equality is always decided on the text.
std::uint64_t hash_of(std::string_view key) {
  constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15ULL;
  std::uint64_t hash = key.size();
  for (; key.size() >= kBlockBytes; key.remove_prefix(kBlockBytes)) {
    hash = std::rotl((hash ^ load_little_endian(key.data())) * kFactor, 29);
  }
  for (const char c : key) hash = (hash ^ static_cast<std::uint8_t>(c)) * kFactor;
  return hash ^ (hash >> 32);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// One pass over a text, with a stack of its own instead of recursion, so that nesting costs no C++
// stack. Keys of the open objects lie on one shared stack; each object's are checked for duplicates
// when it closes: by hash, and then by sorting where there are many, so that chosen collisions cost
// no more than n log n. The first failure is kept as an offset and the words for what was expected;
// after it nothing more is read.
class Scanner {
 public:
  Scanner(std::string_view text, std::vector<JsonMember>* members)
      : text_(text), members_(members) {
    keys_.reserve(16);
  }

  bool scan() {
    skip_space();
    if (members_ != nullptr && !next_is('{')) return expected("'{', the start of an object");
    if (!value()) return false;
    while (depth_ > 0) {
      if (!member_or_close()) return false;
    }
    skip_space();
    return at_ == text_.size() || expected("nothing after the end of the value");
  }

  Error error() const {
    return Error{Errc::invalid,
                 "malformed JSON at byte " + std::to_string(failed_at_) + ": expected " + wanted_};
  }

 private:
  struct Frame {
    std::size_t first_key = 0;
    bool is_object = false;
    bool is_empty = true;
  };
  struct Key {
    std::uint64_t hash;
    std::string_view text;  // after resolving escapes
    std::size_t at;
    bool operator==(const Key& other) const { return hash == other.hash && text == other.text; }
  };

  // Says what was wanted at `at_` and stops the scan.
  bool expected(const char* what) {
    failed_at_ = at_;
    wanted_ = what;
    return false;
  }
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool next_is_digit() const { return at_ < text_.size() && is_digit(text_[at_]); }
  bool take(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return;
      ++at_;
    }
  }

  // One step inside the innermost container: its end, or its next member up to where that member's
  // value is complete or has opened a container of its own.
  bool member_or_close() {
    Frame& top = frames_[depth_ - 1];
    skip_space();
    if (take(top.is_object ? '}' : ']')) return close();
    if (!top.is_empty) {
      if (!take(','))
        return expected(top.is_object ? "',' or '}' after a member"
                                      : "',' or ']' after an element");
      skip_space();
    }
    top.is_empty = false;
    if (top.is_object && !key()) return false;
    return value();
  }

  bool value() {
    if (depth_ == 1) value_at_ = at_;
    if (at_ == text_.size()) return expected("a value");
    switch (text_[at_]) {
      case '{':
        return open(true);
      case '[':
        return open(false);
      case '"':
        return string() && value_ended();
      case 't':
        return literal("true");
      case 'f':
        return literal("false");
      case 'n':
        return literal("null");
      default:
        return number() && value_ended();
    }
  }

  bool open(bool is_object) {
    if (depth_ == limits::kJsonDepthMax) return expected("at most 64 levels of nesting");
    frames_[depth_++] = Frame{.first_key = keys_.size(), .is_object = is_object, .is_empty = true};
    ++at_;
    return true;
  }

  bool close() {
    const Frame& top = frames_[depth_ - 1];
    if (top.is_object && !keys_differ(top.first_key)) return false;
    keys_.resize(top.first_key);
    --depth_;
    return value_ended();
  }

  bool value_ended() {
    if (depth_ == 1 && members_ != nullptr)
      members_->back().value = text_.substr(value_at_, at_ - value_at_);
    return true;
  }

  bool key() {
    if (!next_is('"')) return expected("'\"', the start of a key");
    if (keys_.size() - frames_[depth_ - 1].first_key == limits::kJsonKeysMax) {
      return expected("at most 1000 keys in one object");
    }
    const std::size_t start = at_;
    if (!string()) return false;
    const std::string_view raw = text_.substr(start + 1, at_ - start - 2);
    const std::string_view resolved =
        has_escape_ ? resolved_.emplace_back(unescape_json(raw)) : raw;
    keys_.push_back(Key{hash_of(resolved), resolved, start});
    if (depth_ == 1 && members_ != nullptr) members_->push_back(JsonMember{raw, {}});
    skip_space();
    if (!take(':')) return expected("':' after a key");
    skip_space();
    return true;
  }

  bool keys_differ(std::size_t first) {
    constexpr std::size_t kFewKeys = 16;
    const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(first);
    const std::size_t count = keys_.size() - first;
    if (count <= kFewKeys) {
      for (auto key = begin; key != keys_.end(); ++key) {
        if (std::find(begin, key, *key) != key) return duplicate(key->at);
      }
      return true;
    }
    std::sort(begin, keys_.end(), [](const Key& a, const Key& b) {
      if (a.hash != b.hash) return a.hash < b.hash;
      const int order = a.text.compare(b.text);
      return order != 0 ? order < 0 : a.at < b.at;
    });
    const auto twice = std::adjacent_find(begin, keys_.end());
    return twice == keys_.end() || duplicate(std::next(twice)->at);
  }
  bool duplicate(std::size_t at) {
    at_ = at;
    return expected("a key that this object does not have yet");
  }

  // From one quote past the other; sets has_escape_.
  bool string() {
    has_escape_ = false;
    ++at_;
    while (true) {
      skip_plain_bytes();
      if (at_ == text_.size()) return expected("'\"', the end of a string");
      const auto c = static_cast<std::uint8_t>(text_[at_]);
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c < 0x20) {
        return expected("control characters in strings to be escaped");
      } else {
        const std::size_t length = utf8_sequence_length(text_.substr(at_, 4));
        if (length == 0) return expected("valid UTF-8");
        at_ += length;
      }
    }
  }

  void skip_plain_bytes() {
    while (text_.size() - at_ >= kBlockBytes) {
      const std::size_t plain = plain_bytes(load_little_endian(text_.data() + at_));
      at_ += plain;
      if (plain < kBlockBytes) return;
    }
    while (at_ < text_.size()) {
      const auto c = static_cast<std::uint8_t>(text_[at_]);
      if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') return;
      ++at_;
    }
  }

  bool escape() {
    has_escape_ = true;
    ++at_;
    constexpr std::string_view kEscapes = "\"\\/bfnrtu";
    if (at_ == text_.size() || kEscapes.find(text_[at_]) == std::string_view::npos) {
      return expected("one of \" \\ / b f n r t u after a backslash");
    }
    if (text_[at_++] != 'u') return true;
    const std::size_t unit_at = at_;
    if (!four_hex_digits()) return false;
    const char kind = surrogate_kind(unit_at);
    if (kind == 0) return true;
    const bool is_pair_begun = kind == 'h' && take('\\') && take('u');
    const std::size_t second_at = at_;
    if (is_pair_begun && !four_hex_digits()) return false;
    if (is_pair_begun && surrogate_kind(second_at) == 'l') return true;
    at_ = unit_at;
    return expected("a surrogate escape only as part of a pair");
  }

  bool four_hex_digits() {
    for (int i = 0; i < 4; ++i) {
      if (at_ == text_.size() || !is_hex_digit(text_[at_]))
        return expected("four hex digits after \\u");
      ++at_;
    }
    return true;
  }
  // 'h' for D800–DBFF, 'l' for DC00–DFFF, else 0.
  char surrogate_kind(std::size_t at) const {
    if ((text_[at] | 0x20) != 'd' || text_[at + 1] < '8') return 0;
    const auto second = static_cast<char>(text_[at + 1] | 0x20);
    return second == '8' || second == '9' || second == 'a' || second == 'b' ? 'h' : 'l';
  }

  bool literal(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return expected("a value");
    at_ += word.size();
    return value_ended();
  }

  bool number() {
    const bool is_negative = take('-');
    if (!next_is_digit()) return expected(is_negative ? "a digit after '-'" : "a value");
    if (!take('0')) skip_digits();
    if (take('.') && skip_digits() == 0) return expected("a digit after '.'");
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (skip_digits() == 0) return expected("a digit in the exponent");
    }
    return true;
  }
  std::size_t skip_digits() {
    const std::size_t start = at_;
    while (next_is_digit()) ++at_;
    return at_ - start;
  }

  std::string_view text_;
  std::vector<JsonMember>* members_;
  std::size_t at_ = 0;
  std::size_t value_at_ = 0;  // where the top-level member being read has its value
  std::size_t depth_ = 0;
  std::array<Frame, limits::kJsonDepthMax> frames_;
  std::vector<Key> keys_;
  std::list<std::string> resolved_;  // keys that had escapes; a list, since views point into it
  bool has_escape_ = false;          // whether the last string had escapes
  std::size_t failed_at_ = 0;
  const char* wanted_ = "";
};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

Result<std::vector<JsonMember>> scan_json_object(std::string_view text) {
  std::vector<JsonMember> members;
  members.reserve(8);
  Scanner scanner(text, &members);
  if (!scanner.scan()) return tl::unexpected<Error>(scanner.error());
  return members;
}

Result<void> check_json(std::string_view text) {
  Scanner scanner(text, nullptr);
  if (!scanner.scan()) return tl::unexpected<Error>(scanner.error());
  return {};
}

// Commas outside strings and brackets separate them.
std::vector<std::string_view> json_elements(std::string_view array) {
  std::vector<std::string_view> elements;
  array = array.substr(1, array.size() - 2);
  std::size_t start = 0;
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const char c = array[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c == ',' && depth == 0) {
      elements.push_back(trimmed(array.substr(start, i - start)));
      start = i + 1;
    }
  }
  const std::string_view last = trimmed(array.substr(start));
  if (!elements.empty() || !last.empty()) elements.push_back(last);
  return elements;
}

}  // namespace fanfare
