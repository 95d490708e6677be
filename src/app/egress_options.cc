#include "app/egress_options.h"

namespace fanfare {

namespace {

Result<std::vector<Cidr>> ranges_of(const Config& config, const std::string& option,
                                    const std::vector<std::string>& texts) {
  std::vector<Cidr> ranges;
  for (const std::string& text : texts) {
    const Result<Cidr> cidr = parse_cidr(text);
    if (!cidr) {
      const auto origin = config.origins.find(option);
      const std::string place = origin == config.origins.end() ? "" : origin->second + ": ";
      return fail(Errc::invalid, place + option + " cannot be used: " + cidr.error().message);
    }
    ranges.push_back(*cidr);
  }
  return ranges;
}

}  // namespace

Result<std::vector<Cidr>> trusted_proxies_of(const Config& config) {
  return ranges_of(config, "trusted-proxies", config.trusted_proxies);
}

Result<EgressPolicy> egress_policy_of(const Config& config) {
  EgressPolicy policy;
  policy.allows_http = config.egress_http;
  policy.allows_metadata = config.egress_metadata;
  TRY(policy.allowed, ranges_of(config, "egress-allow", config.egress_allow));
  policy.own = own_addresses();
  return policy;
}

}  // namespace fanfare
