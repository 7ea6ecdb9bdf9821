// Names of activations, for cases.
#pragma once
#include <string>

#include "ops/linear.h"

namespace cw::test {

inline std::string name_of_act(Act act) {
  switch (act) {
    case Act::none: return "none";
    case Act::gelu: return "gelu";
    case Act::gelu_tanh: return "gelu_tanh";
    case Act::quick_gelu: return "quick_gelu";
  }
  return "?";
}

}  // namespace cw::test
