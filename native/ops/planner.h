// The same operations, only measured: what code run over a planner asks for is what it will need when run for real.
#pragma once
#include <algorithm>

#include "ops/backend.h"

namespace cw {

class Planner final : public Ops {
 public:
  explicit Planner(const Backend& backend) : backend_(backend) {}
  size_t scratch() const { return scratch_; }
  bool computes(DType type) const override { return backend_.computes(type); }
  Ranks ranks() const override { return backend_.ranks(); }

 private:
#define CW_DEFINE(name, Struct) \
  void run(const Struct& op) override { scratch_ = std::max(scratch_, backend_.scratch(op)); }
  CW_FOR_EACH_OP(CW_DEFINE)
#undef CW_DEFINE

  const Backend& backend_;
  size_t scratch_ = 0;
};

}  // namespace cw
