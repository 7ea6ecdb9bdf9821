// Products with a matrix of parameters, and their gradients. ops.h has the letters and the rules.
#pragma once
#include <cstdint>

#include "core/tensor.h"

namespace cw {

enum class Act : uint8_t { none, gelu, gelu_tanh, quick_gelu };  // erf form; tanh form; x·sigmoid(1.702·x)

/// A weight in the form that a backend's products read fastest: Backend::pack().
class PackedWeight {
 public:
  virtual ~PackedWeight() = default;
};

/// A matrix of parameters. `compute` holds the values of `master` in the activations' type (it is `master` in f32).
/// Backends may keep packed copies by `id` (Backend::keep_packed) and refresh them when `version` moved.
/// Models that only encode have one form of a weight: `compute` or, where there is one, `packed`. What they lack has a shape
/// and a type, but no memory; there is no gradient through `packed`.
struct Weight {
  Tensor master;             // f32 [O,I]; [I,O] when input_major
  Tensor compute;            // x, same shape
  bool input_major = false;  // CLIP's projections are stored [I,O]: y = x·W
  Tensor scales;             // f32 [1,O], of a `compute` of i8 [O,I]: its feature o is compute[o]·scales[o]
  uint32_t id = 0;           // unique among a backend's weights; 0 = never keep a packed copy
  uint64_t version = 0;
  const PackedWeight* packed = nullptr;
};

/// Output features first .. first+count of a weight (count < 0: to the end). input_major weights only whole.
struct WeightView {
  const Weight* weight = nullptr;
  int64_t first = 0;
  int64_t count = -1;
  int64_t out_features() const;
  int64_t in_features() const;
};

/// y[T,O] = act(x[T,I]·w[O,I]ᵀ + b[O]) + residual[T,O]. `pre`, if given, keeps the argument of act.
/// y may be f32 with x of 16 bits; y may be the same view as residual.
/// With a weight of i8 all is f32, and each row of x is rounded to 8 bits, too: w stands for compute[o]·scales[o], x for
/// q·m/127, q = round(x·(127/m)), ties to even, m the row's largest magnitude (in f32; sums of q·compute are exact). A row
/// that is not finite gives NaN.
struct Linear {
  Tensor x;
  WeightView w;
  Tensor b;         // f32 [1,O], optional
  Tensor b_compute; // what b holds, in x's type, for backends that want it so; optional
  Tensor residual;  // as y, optional
  Tensor y;
  Tensor pre;  // x [T,O], optional
  Act act = Act::none;
};

/// dx[T,I] = (dy[T,O]·w[O,I]) ∘ act'(pre[T,I]). With Act::none pre is not read, and dx may have a residual added, which
/// may be the same view as dx. With an activation dx_sum[I] (+)= column sums of dx as it is stored: the bias gradient of the
/// linear that made pre. `hidden` is given act(pre) once more, for whoever needs what the forward pass did not keep.
struct LinearInputGrad {
  Tensor dy;
  WeightView w;
  Tensor dx;
  Tensor pre;
  Tensor residual;  // as dx, optional
  Tensor dx_sum;    // f32 [1,I], optional
  Tensor hidden;    // as pre, optional; may be the same view
  Act act = Act::none;
  bool accumulate = false;  // dx_sum
};

/// dw[O,I] (+)= dy[T,O]ᵀ·x[T,I], db[O] (+)= column sums of dy. dw is [I,O] (+)= xᵀ·dy when input_major.
/// Either may be absent: a frozen weight may have a bias that learns.
struct LinearWeightGrad {
  Tensor dy;
  Tensor x;
  Tensor dw;  // f32, optional
  Tensor db;  // f32 [1,O], optional
  bool input_major = false;
  bool accumulate = false;
};

}  // namespace cw
