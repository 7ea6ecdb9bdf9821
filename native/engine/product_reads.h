// Ops that compute nothing and remember which weights products read.
#pragma once
#include <algorithm>
#include <utility>
#include <vector>

#include "ops/ops.h"

namespace cw {

class ProductReads final : public Ops {
 public:
  /// Each weight once, in the order of their first use, with its views.
  const std::vector<std::pair<const Weight*, std::vector<WeightView>>>& weights() const { return weights_; }
  /// Where the tables of tokens lie.
  bool is_table(const Tensor& t) const { return std::find(tables_.begin(), tables_.end(), t.data) != tables_.end(); }

 private:
#define CW_DEFINE(name, Struct) \
  void run(const Struct& op) override { see(op); }
  CW_FOR_EACH_OP(CW_DEFINE)
#undef CW_DEFINE

  template <class Op>
  void see(const Op&) {}
  void see(const Linear& op) {
    const auto known = std::find_if(weights_.begin(), weights_.end(), [&](const auto& w) { return w.first == op.w.weight; });
    auto& views = known != weights_.end() ? known->second : weights_.emplace_back(op.w.weight, std::vector<WeightView>{}).second;
    const auto same = [&](const WeightView& v) { return v.first == op.w.first && v.out_features() == op.w.out_features(); };
    if (std::none_of(views.begin(), views.end(), same)) views.push_back(op.w);
  }

  void see(const Embed& op) { tables_.push_back(op.table.data); }

  std::vector<std::pair<const Weight*, std::vector<WeightView>>> weights_;
  std::vector<const void*> tables_;
};

}  // namespace cw
