// The one list of operations. reference/, cpu/ and cuda/ implement it; nothing above this folder knows which one runs.
// Arguments and formulas are in the headers below, one a section; the section's name is the stem of its files everywhere:
// check/, reference/, cpu/, cuda/ and the conformance cases (a file of a part says which: SECTION_PART).
//
// Letters: T packed tokens (filler rows at the end included), S sequences, R asked-for rows, D width, H heads,
//          I/O input/output features, N images, P patch rows, V table rows, E embedding width.
// Rules:   every Tensor points into memory of the backend's device; scalars are host values known when the op is queued.
//          No op reads device memory on the host: an op may be queued on a stream, or recorded into a graph.
//          Outputs are written whole unless a field named `accumulate` is set. Inputs and outputs do not overlap unless
//          a comment allows it. "x" is the activations' type, f32, bf16 or f16; parameters that are vectors,
//          statistics and gradients of parameters are f32.
//          A backend may take subnormal numbers of f32 and bf16 for zero.
// Filler:  T may be rounded up past the last sequence. Ops that know sequences write zeros to filler rows; ops without
//          sequences treat them as rows. Since gradients of filler rows start as zero and stay zero, they change nothing.
#pragma once
#include <atomic>

#include "dist/ranks.h"
#include "ops/attention.h"
#include "ops/distill.h"
#include "ops/dropout.h"
#include "ops/elements.h"
#include "ops/info_nce.h"
#include "ops/layer_scale.h"
#include "ops/linear.h"
#include "ops/norms.h"
#include "ops/optimizer.h"
#include "ops/ranks.h"
#include "ops/rotary.h"
#include "ops/rows.h"
#include "ops/sigmoid_loss.h"
#include "ops/swiglu.h"
#include "ops/tokens.h"

namespace cw {

/// Public calls check their arguments (check/) and the stop flag, then run. Errors: invalid_argument or unsupported,
/// naming the op and the field; cancelled when the stop flag is up.
#define CW_FOR_EACH_OP(X)                                                                                          \
  /* linear.h */                                                                                                   \
  X(linear, Linear) X(linear_input_grad, LinearInputGrad) X(linear_weight_grad, LinearWeightGrad)                  \
  /* norms.h */                                                                                                    \
  X(layer_norm, LayerNorm) X(layer_norm_grad, LayerNormGrad)                                                       \
  X(l2_normalize, L2Normalize) X(l2_normalize_grad, L2NormalizeGrad)                                               \
  /* layer_scale.h */                                                                                              \
  X(layer_scale, LayerScale) X(layer_scale_grad, LayerScaleGrad)                                                   \
  /* attention.h */                                                                                                \
  X(attention, Attention) X(attention_grad, AttentionGrad)                                                         \
  /* rotary.h */                                                                                                   \
  X(rotary, Rotary)                                                                                                \
  /* swiglu.h */                                                                                                   \
  X(swiglu, Swiglu) X(swiglu_grad, SwigluGrad)                                                                     \
  /* dropout.h */                                                                                                  \
  X(dropout, Dropout)                                                                                              \
  /* tokens.h */                                                                                                   \
  X(embed, Embed) X(embed_grad, EmbedGrad) X(patchify, Patchify)                                                   \
  X(vision_tokens, VisionTokens) X(vision_tokens_grad, VisionTokensGrad)                                           \
  /* rows.h */                                                                                                     \
  X(gather_rows, GatherRows) X(scatter_add_rows, ScatterAddRows)                                                   \
  X(sequence_mean, SequenceMean) X(sequence_mean_grad, SequenceMeanGrad)                                           \
  /* info_nce.h */                                                                                                 \
  X(info_nce, InfoNce) X(info_nce_loss, InfoNceLoss) X(info_nce_grad, InfoNceGrad)                                 \
  /* distill.h */                                                                                                  \
  X(distill_grad, DistillGrad)                                                                                     \
  /* ranks.h */                                                                                                    \
  X(all_gather, AllGather) X(reduce_scatter, ReduceScatter) X(all_reduce, AllReduce)                               \
  X(merge_lse, MergeLse) X(broadcast, Broadcast)                                                                   \
  /* sigmoid_loss.h */                                                                                             \
  X(sigmoid_loss, SigmoidLoss) X(sigmoid_loss_grad, SigmoidLossGrad)                                               \
  /* optimizer.h */                                                                                                \
  X(grad_norm, GradNorm) X(update_loss_scale, UpdateLossScale) X(optimizer_step, OptimizerStep)                    \
  /* elements.h */                                                                                                 \
  X(cast, Cast) X(fill, Fill) X(clamp, Clamp) X(tanh, Tanh) X(tanh_grad, TanhGrad) X(random_init, RandomInit)

class Meter;

class Ops {
 public:
  virtual ~Ops() = default;
  /// Whether ops take this type where they take floating types; of i8, whether weights may have it. A backend that lacks one
  /// says so here.
  virtual bool computes(DType type) const { return type == DType::f32 || type == DType::bf16 || type == DType::f16; }
  /// Who runs these ops together with others, each on a part of the same batch.
  virtual Ranks ranks() const { return {}; }
  /// While *stop is true every call throws cancelled. Null: never.
  virtual void set_stop(const std::atomic<bool>* stop) { stop_ = stop; }

#define CW_DECLARE(name, Struct) void name(const Struct& op);
  CW_FOR_EACH_OP(CW_DECLARE)
#undef CW_DECLARE

 protected:
#define CW_DECLARE(name, Struct) virtual void run(const Struct& op) = 0;
  CW_FOR_EACH_OP(CW_DECLARE)
#undef CW_DECLARE

  /// Calls are counted there; null: nowhere.
  void count_into(Meter* meter) { meter_ = meter; }

 private:
  const std::atomic<bool>* stop_ = nullptr;
  Meter* meter_ = nullptr;
};

}  // namespace cw
