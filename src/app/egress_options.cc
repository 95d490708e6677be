#include "app/egress_options.h"

namespace fanfare {

Result<EgressPolicy> egress_policy_of(const Config& config) {
  EgressPolicy policy;
  policy.allows_http = config.egress_http;
  policy.allows_metadata = config.egress_metadata;
  for (const std::string& text : config.egress_allow) {
    const Result<Cidr> cidr = parse_cidr(text);
    if (!cidr) {
      const auto origin = config.origins.find("egress-allow");
      const std::string place = origin == config.origins.end() ? "" : origin->second + ": ";
      return fail(Errc::invalid, place + "egress-allow cannot be used: " + cidr.error().message);
    }
    policy.allowed.push_back(*cidr);
  }
  policy.own = own_addresses();
  return policy;
}

}  // namespace fanfare
