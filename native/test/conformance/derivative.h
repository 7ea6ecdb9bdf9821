// Every backward op against differences of its forward op, on the reference: the gradient of a random weighting of the
// outputs, along random directions of one input at a time.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "test/conformance/rig.h"

namespace cw::test {

using Tensors = std::vector<Tensor>;

/// A differentiable input.
struct Leaf {
  std::string name;
  int64_t rows, cols;
  double scale = 1, mean = 0;
};

struct Derivative {
  std::string name;
  std::vector<Leaf> leaves;
  std::function<Tensors(Rig&, const Tensors& leaves)> forward;
  /// Gradients in the order of the leaves.
  std::function<Tensors(Rig&, const Tensors& leaves, const Tensors& output_gradients)> backward;
};

std::string derivative_name(const testing::TestParamInfo<Derivative>& info);
void PrintTo(const Derivative& d, std::ostream* os);

class Derivatives : public testing::TestWithParam<Derivative> {};

}  // namespace cw::test
