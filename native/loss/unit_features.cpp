#include "loss/unit_features.h"

namespace cw {
namespace {

/// One tower's features.
struct Side {
  Tensor x, dx;           // as they come; dx: empty for the value only
  Tensor unit, inv_norm;  // normalised, in the type of products
  bool kept = true;       // the unit rows are there until the gradient, and in f32; else it makes them again

  void take_unit(Arena& arena, DType products) {
    unit = arena.take(x.rows, x.cols, products);
    kept = products == DType::f32;
  }
  /// Where the gradient will lie: no memory is taken.
  void lend_gradient() {
    unit = dx;
    kept = false;
  }
};

/// Rows that are rounded pass through where the gradient comes later, so that f32 memory is not taken for them.
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
  if (!side.kept) {
    y = arena.take(side.x.rows, side.x.cols, DType::f32);
    ops.l2_normalize({.x = side.x, .y = y});
  }
  ops.l2_normalize_grad({.y = y, .inv_norm = side.inv_norm, .dy = side.dx, .dx = side.dx});
}

}  // namespace

void keep_statistics(Ops& ops, const PairFeatures& f, const Tensor& row_lse, const Tensor& col_lse, const Tensor& own,
                     int64_t first) {
  if (!f.statistics) return;
  const int64_t n = f.image.rows;
  const auto put = [&](PairStatistics which, const Tensor& from) {
    ops.cast({.x = from, .y = f.statistics.col_range(static_cast<int64_t>(which) * n, n)});
  };
  put(PairStatistics::row_lse, row_lse);
  put(PairStatistics::col_lse, col_lse.col_range(first, n));
  put(PairStatistics::own, own);
}

void with_unit_features(Ops& ops, Arena& arena, const PairFeatures& f, const std::function<void(const UnitFeatures&)>& body) {
  const int64_t n = f.image.rows, e = f.image.cols;
  const bool shared = f.total > 0 && !ops.ranks().alone();
  const int64_t all = shared ? f.total : n;
  const Frame frame(arena);
  const auto vector = [&] { return arena.take(1, n, DType::f32); };
  Side image{.x = f.image, .dx = f.dimage, .inv_norm = vector()}, text{.x = f.text, .dx = f.dtext, .inv_norm = vector()};
  const bool lends = f.dimage && f.products == DType::f32;
  {
    const Frame units(arena);
    if (lends) image.lend_gradient();
    else image.take_unit(arena, f.products);
    // Those of other ranks come with this one's, whose gradient is the last thing that is made.
    if (lends && shared) text.lend_gradient();
    else text.take_unit(arena, f.products);
    for (const Side* side : {&image, &text}) normalize(ops, arena, *side);
    UnitFeatures unit{.image = image.unit, .text = text.unit, .dtext = f.dtext, .all = all, .shared = shared};
    if (shared) {
      unit.first = ops.ranks().share(all).first;
      unit.text = arena.take(all, e, f.products);
      if (f.dimage) unit.dtext = arena.take(all, e, DType::f32);
      ops.all_gather({.x = text.unit, .y = unit.text});
    }
    body(unit);
    if (!f.dimage) return;
    if (shared) ops.reduce_scatter({.x = unit.dtext, .y = f.dtext});
    if (text.kept) normalize_grad(ops, arena, text);
  }
  // Made again where the unit features were.
  for (const Side* side : {&image, &text})
    if (!side->kept) normalize_grad(ops, arena, *side);
}

}  // namespace cw
