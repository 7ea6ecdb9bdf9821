// Which backends a suite runs on: CLIPWRIGHT_TEST_BACKENDS, a list with commas (default: those that need nothing further).
#pragma once
#include <cctype>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace cw::test {

inline std::vector<std::string> tested_backends() {
  const char* asked = std::getenv("CLIPWRIGHT_TEST_BACKENDS");
  std::istringstream list(asked && *asked ? asked : "reference,cpu");
  std::vector<std::string> names;
  for (std::string name; std::getline(list, name, ',');) names.push_back(name);
  return names;
}

/// "cuda:0" as "cuda_0": GoogleTest allows letters, digits and underscores.
inline std::string as_test_name(std::string name) {
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

}  // namespace cw::test
