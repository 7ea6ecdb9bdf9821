// Golden cases of open_clip and transformers as scripts/card/goldens.mjs writes them, so that they run without Node:
// CLIPWRIGHT_GOLDENS names the folder of NAME.golden.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "engine/session.h"
#include "test/tiny_model.h"

namespace cw::test {

struct Golden {
  std::string name;
  ClipConfig config;
  std::map<std::string, std::vector<float>> floats;
  std::map<std::string, std::vector<int32_t>> ids;

  /// Throws invalid_argument naming the file and what is wrong with it.
  static Golden read(const std::string& path);

  const std::vector<float>& at(const std::string& key) const;
  /// What the core calls a parameter, after "value ", "grad " or "after ".
  const std::vector<float>& of(const char* what, const Parameter& p) const { return at(std::string(what) + " " + p.name); }
  /// The whole batch; captions with the rows after EOT where `full_context`, which causal towers alone have.
  Batch batch(bool full_context = false) const;
  bool has_full_context() const { return ids.contains("full.ids"); }
};

/// Full paths, sorted; none where the variable is not set.
std::vector<std::string> golden_files();

}  // namespace cw::test
