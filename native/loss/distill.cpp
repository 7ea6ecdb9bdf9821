#include "loss/distill.h"

#include <charconv>

#include "core/error.h"
#include "core/names.h"
#include "loss/info_nce.h"
#include "loss/unit_features.h"

namespace cw {
namespace {

constexpr Named<float> kPairWeights[] = {{"mean", 0.5f}, {"sum", 1.0f}};  // of both cross-entropies, times n

class ByLogits final : public PairLoss {
 public:
  ByLogits(const PairLossSpec& spec, float weight)
      : pairs_(make_info_nce(spec)), pair_weight_(named(kPairWeights, spec.option("reduction"), "loss.reduction")), weight_(weight) {}
  void run(Ops& ops, Arena& arena, const PairFeatures& f, const PairParameters& p) const override {
    if (!f.teacher || !f.dimage) return pairs_->run(ops, arena, f, p);
    if (!f.groups) return hold(ops, arena, f, p, pair_weight_);
    pairs_->run(ops, arena, f, p);
    add_held(ops, arena, f, p);
  }

 private:
  void hold(Ops& ops, Arena& arena, const PairFeatures& f, const PairParameters& p, float pair_weight) const;
  void add_held(Ops& ops, Arena& arena, const PairFeatures& f, const PairParameters& p) const;

  std::unique_ptr<PairLoss> pairs_;
  float pair_weight_, weight_;
};

/// Both losses at once, whose softmaxes are the same.
void ByLogits::hold(Ops& ops, Arena& arena, const PairFeatures& f, const PairParameters& p, float pair_weight) const {
  const Frame frame(arena);
  const auto vector = [&](int64_t count) { return arena.take(1, count, DType::f32); };
  const auto in_type = [&](const Tensor& x) {
    if (f.products == DType::f32) return x;
    const Tensor y = arena.take(x.rows, x.cols, f.products);
    ops.cast({.x = x, .y = y});
    return y;
  };
  const Tensor teacher_image = in_type(f.teacher.image), own_text = in_type(f.teacher.text);
  with_unit_features(ops, arena, f, [&](const UnitFeatures& unit) {
    const Frame frame(arena);
    const auto statistics = [&](const Tensor& image, const Tensor& text, const Tensor& logit_scale) {
      const InfoNce op{.image = image,
                       .text = text,
                       .logit_scale = logit_scale,
                       .row_lse = vector(image.rows),
                       .col_lse = vector(text.rows),
                       .diagonal = vector(image.rows),
                       .row_offset = unit.first};
      ops.info_nce(op);
      if (unit.shared) ops.merge_lse({.x = op.col_lse});
      return op;
    };
    Tensor teacher_text = own_text;
    if (unit.shared) ops.all_gather({.x = own_text, .y = teacher_text = arena.take(unit.all, own_text.cols, own_text.dtype)});
    const InfoNce teacher = statistics(teacher_image, teacher_text, f.teacher.logit_scale);
    const InfoNce student = statistics(unit.image, unit.text, p.logit_scale);
    keep_statistics(ops, f, student.row_lse, student.col_lse, student.diagonal, unit.first);
    const Tensor half_cross = vector(unit.image.rows);
    const float one = 1 / static_cast<float>(unit.all), pairs = pair_weight * one, distil = 0.5f * weight_ * one;
    ops.distill_grad({.image = unit.image,
                      .text = unit.text,
                      .logit_scale = p.logit_scale,
                      .row_lse = student.row_lse,
                      .col_lse = student.col_lse,
                      .teacher_image = teacher_image,
                      .teacher_text = teacher_text,
                      .teacher_scale = f.teacher.logit_scale,
                      .teacher_row_lse = teacher.row_lse,
                      .teacher_col_lse = teacher.col_lse,
                      .loss_scale = f.loss_scale,
                      .dimage = f.dimage,
                      .dtext = unit.dtext,
                      .dlogit_scale = p.dlogit_scale,
                      .half_cross = half_cross,
                      .pair_weight = pairs,
                      .weight = distil,
                      .row_offset = unit.first,
                      .accumulate = p.accumulate});
    const auto add = [&](const Tensor& diagonal, float weight, bool accumulate) {
      ops.info_nce_loss({.row_lse = student.row_lse,
                         .col_lse = student.col_lse,
                         .diagonal = diagonal,
                         .loss = f.loss,
                         .weight = weight,
                         .row_offset = unit.first,
                         .accumulate = accumulate});
    };
    add(student.diagonal, pairs, false);
    add(half_cross, distil, true);
    if (unit.shared) ops.all_reduce({.x = f.loss});
  });
  if (p.dlogit_bias && !p.accumulate) ops.fill({.y = p.dlogit_bias, .value = 0});
}

Tensor filled(Ops& ops, Arena& arena, int64_t rows, int64_t cols, float value) {
  const Tensor t = arena.take(rows, cols, DType::f32);
  ops.fill({.y = t, .value = value});
  return t;
}

/// The teacher's part of a batch with groups, whose pairs are left out of InfoNCE's softmaxes alone: the teacher itself says
/// what of a caption's probability goes to another picture of its group, so nothing has to be left out here.
void ByLogits::add_held(Ops& ops, Arena& arena, const PairFeatures& f, const PairParameters& p) const {
  const Frame frame(arena);
  const auto like = [&](const Tensor& t) { return arena.take(t.rows, t.cols, DType::f32); };
  PairFeatures own = f;
  own.dimage = like(f.dimage), own.dtext = like(f.dtext), own.loss = like(f.loss);
  own.groups = {};
  PairParameters more = p;
  more.accumulate = true;
  hold(ops, arena, own, more, 0);
  const Tensor ones = filled(ops, arena, 1, f.image.cols, 1);
  const auto add = [&](const Tensor& x, const Tensor& y) {
    ops.layer_scale({.x = x, .residual = y, .gamma = ones.col_range(0, x.cols), .y = y});
  };
  add(own.loss, f.loss), add(own.dimage, f.dimage), add(own.dtext, f.dtext);
}

/// weight·mean over pairs of the mean over both towers of 1 - cos(student's feature, teacher's). Chinese-CLIP's cosineSimilarityLoss
/// (cn_clip/training/train.py), there of pictures alone. Of unit features it is half their squared distance.
class ByFeatures final : public PairLoss {
 public:
  ByFeatures(const PairLossSpec& spec, float weight) : pairs_(make_info_nce(spec)), weight_(weight) {}
  void run(Ops& ops, Arena& arena, const PairFeatures& f, const PairParameters& p) const override {
    pairs_->run(ops, arena, f, p);
    if (f.teacher && f.dimage) pull(ops, arena, f);
  }

 private:
  void pull(Ops& ops, Arena& arena, const PairFeatures& f) const;

  std::unique_ptr<PairLoss> pairs_;
  float weight_;
};

void ByFeatures::pull(Ops& ops, Arena& arena, const PairFeatures& f) const {
  const Frame frame(arena);
  const int64_t n = f.image.rows, e = f.image.cols;
  const bool shared = f.total > 0 && !ops.ranks().alone();
  const float pairs = static_cast<float>(shared ? f.total : n);
  const auto take = [&](int64_t rows, int64_t cols) { return arena.take(rows, cols, DType::f32); };
  // Rows that are weighed alike: products with a matrix that holds -weight/(2·pairs).
  const Tensor each = filled(ops, arena, 1, e, -0.5f * weight_ / pairs);
  const Tensor loss = filled(ops, arena, 1, 1, weight_ * static_cast<float>(n) / pairs);
  const Weight by_columns{.master = each, .compute = each};
  Tensor column = each;
  column.rows = e, column.cols = column.stride = 1;
  const Weight by_one{.master = column, .compute = column};
  Tensor gamma = each;  // times the loss scale
  if (f.loss_scale) ops.linear({.x = f.loss_scale.col_range(0, 1), .w = {&by_one}, .y = gamma = take(1, e)});

  PairFeatures own{.image = f.image, .text = f.text, .dimage = take(n, e), .dtext = take(n, e)};
  with_unit_features(ops, arena, own, [&](const UnitFeatures& unit) {
    const Frame frame(arena);
    const Tensor products = take(n, e), dots = take(1, e);
    const auto side = [&](const Tensor& unit, const Tensor& teacher, const Tensor& gradient) {
      // The sums of columns of unit∘teacher, which make up the sum of all cosines.
      ops.layer_scale_grad({.x = unit, .dy = teacher, .gamma = each, .dx = products, .dgamma = dots});
      ops.linear({.x = dots, .w = {&by_columns}, .residual = loss, .y = loss});
      ops.cast({.x = teacher, .y = gradient});
    };
    side(unit.image, f.teacher.image, own.dimage);
    side(unit.text, f.teacher.text, own.dtext);
  });
  if (shared) ops.all_reduce({.x = loss});
  const Tensor one = filled(ops, arena, 1, 1, 1);
  ops.layer_scale({.x = loss, .residual = f.loss, .gamma = one, .y = f.loss});
  ops.layer_scale({.x = own.dimage, .residual = f.dimage, .gamma = gamma, .y = f.dimage});
  ops.layer_scale({.x = own.dtext, .residual = f.dtext, .gamma = gamma, .y = f.dtext});
}

float number(const PairLossSpec& spec, const std::string& name) {
  const std::string& text = spec.option(name);
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw Error(Code::invalid_argument, "loss." + name + ": expected a number, got \"" + text + "\"");
  return value;
}

template <class Loss>
std::unique_ptr<PairLoss> make(const PairLossSpec& spec, float weight) {
  return std::make_unique<Loss>(spec, weight);
}

using Make = std::unique_ptr<PairLoss> (*)(const PairLossSpec& spec, float weight);
constexpr Named<Make> kWays[] = {{"logits", make<ByLogits>}, {"features", make<ByFeatures>}};

}  // namespace

std::unique_ptr<PairLoss> make_distill(const PairLossSpec& spec) {
  return named(kWays, spec.option("by"), "loss.by")(spec, number(spec, "weight"));
}

}  // namespace cw
