// Names and shapes of a model's parameters: of one that is made, or of a configuration alone.
#pragma once
#include <string>
#include <vector>

#include "model/clip.h"

namespace cw {

struct ParameterShape {
  std::string name;
  std::vector<int64_t> shape;
  int64_t count;
  bool trainable;  // at first
  bool rounded = false;  // to 8 bits, at first
};

std::vector<ParameterShape> shapes_of(const Parameters& parameters);
/// No memory is taken for values. Throws invalid_argument for a configuration that cannot be.
std::vector<ParameterShape> shapes_of(const ClipConfig& config);

}  // namespace cw
