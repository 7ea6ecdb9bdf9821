#include "loss/info_nce.h"

#include "core/names.h"

namespace cw {
namespace {

enum class Reduction : uint8_t { mean, sum };

constexpr Named<Reduction> kReductions[] = {{"mean", Reduction::mean}, {"sum", Reduction::sum}};

class InfoNcePairLoss final : public PairLoss {
 public:
  explicit InfoNcePairLoss(Reduction reduction) : reduction_(reduction) {}
  void run(Ops& ops, Arena& arena, const PairFeatures& f, const PairParameters& p) const override;

 private:
  Reduction reduction_;
};

/// One tower's features on their way to the products and back.
struct Side {
  Tensor x, dx;           // as they come; dx: empty for the value only
  Tensor unit, inv_norm;  // normalised, in the type of products
};

/// In f32 the unit rows are kept for the gradient. Rounded ones would not do there: the f32 rows are made twice, first
/// where the gradient comes later, then where the rounded ones were, so that memory beyond them is never taken.
void normalize(Ops& ops, Arena& arena, const Side& side) {
  const Frame frame(arena);
  const bool direct = side.unit.dtype == DType::f32;
  const Tensor y = direct ? side.unit : side.dx ? side.dx : arena.take(side.x.rows, side.x.cols, DType::f32);
  ops.l2_normalize({.x = side.x, .y = y, .inv_norm = side.inv_norm});
  if (!direct) ops.cast({.x = y, .y = side.unit});
}

void normalize_grad(Ops& ops, Arena& arena, const Side& side) {
  const Frame frame(arena);
  Tensor y = side.unit;
  if (y.dtype != DType::f32) {
    y = arena.take(side.x.rows, side.x.cols, DType::f32);
    ops.l2_normalize({.x = side.x, .y = y});
  }
  ops.l2_normalize_grad({.y = y, .inv_norm = side.inv_norm, .dy = side.dx, .dx = side.dx});
}

void InfoNcePairLoss::run(Ops& ops, Arena& arena, const PairFeatures& f, const PairParameters& p) const {
  const int64_t n = f.image.rows, e = f.image.cols;
  const bool shared = f.total > 0 && !ops.ranks().alone();
  const int64_t all = shared ? f.total : n, first = shared ? ops.ranks().share(all).first : 0;
  const Frame frame(arena);
  const auto vector = [&](int64_t count) { return arena.take(1, count, DType::f32); };
  const Tensor row_lse = vector(n), col_lse = vector(all), diagonal = vector(n);
  Side image{.x = f.image, .dx = f.dimage, .inv_norm = vector(n)}, text{.x = f.text, .dx = f.dtext, .inv_norm = vector(n)};
  {
    const Frame units(arena);
    for (Side* side : {&image, &text}) side->unit = arena.take(n, e, f.products);
    for (const Side* side : {&image, &text}) normalize(ops, arena, *side);
    const Tensor texts = shared ? arena.take(all, e, f.products) : text.unit;
    if (shared) ops.all_gather({.x = text.unit, .y = texts});
    ops.info_nce({.image = image.unit,
                  .text = texts,
                  .logit_scale = p.logit_scale,
                  .row_lse = row_lse,
                  .col_lse = col_lse,
                  .diagonal = diagonal,
                  .row_offset = first});
    if (shared) ops.merge_lse({.x = col_lse});
    const float weight = (reduction_ == Reduction::mean ? 0.5f : 1.0f) / static_cast<float>(all);
    ops.info_nce_loss({.row_lse = row_lse,
                       .col_lse = col_lse,
                       .diagonal = diagonal,
                       .loss = f.loss,
                       .weight = weight,
                       .row_offset = first});
    if (shared) ops.all_reduce({.x = f.loss});
    if (!f.dimage) return;
    const Tensor dtexts = shared ? arena.take(all, e, DType::f32) : f.dtext;
    ops.info_nce_grad({.image = image.unit,
                       .text = texts,
                       .logit_scale = p.logit_scale,
                       .row_lse = row_lse,
                       .col_lse = col_lse,
                       .loss_scale = f.loss_scale,
                       .dimage = f.dimage,
                       .dtext = dtexts,
                       .dlogit_scale = p.dlogit_scale,
                       .weight = weight,
                       .row_offset = first,
                       .accumulate = p.accumulate});
    if (shared) ops.reduce_scatter({.x = dtexts, .y = f.dtext});
    if (f.products == DType::f32)
      for (const Side* side : {&image, &text}) normalize_grad(ops, arena, *side);
  }
  if (f.products != DType::f32)
    for (const Side* side : {&image, &text}) normalize_grad(ops, arena, *side);
}

}  // namespace

std::unique_ptr<PairLoss> make_info_nce(const PairLossSpec& spec) {
  return std::make_unique<InfoNcePairLoss>(named(kReductions, spec.option("reduction"), "loss.reduction"));
}

}  // namespace cw
