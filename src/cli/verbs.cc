// The table of verbs: a new one is a file verb_NAME.cc, its maker in verb.h and a line here.
#include "cli/verb.h"

namespace fanfare {

std::vector<std::unique_ptr<Verb>> all_verbs() {
  std::vector<std::unique_ptr<Verb>> verbs;
  verbs.push_back(make_serve_verb());
  verbs.push_back(make_dev_verb());
  verbs.push_back(make_keys_verb());
  verbs.push_back(make_audit_verb());
  verbs.push_back(make_import_verb());
  verbs.push_back(make_migrate_verb());
  verbs.push_back(make_cleanup_verb());
  return verbs;
}

}  // namespace fanfare
