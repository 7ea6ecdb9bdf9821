// What the kernels offer: one table for each instruction set, filled by the files of this folder, one subject each.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/tensor.h"
#include "ops/cpu/kernels/distill_tile.h"
#include "ops/cpu/kernels/pairs.h"
#include "ops/ops.h"

namespace cw {

/// Rows of x are cut into chunks that do not depend on the number of threads: sums over them come out the same.
constexpr int64_t kSumRows = 128;
constexpr int64_t sum_chunks(int64_t rows) { return rows <= 0 ? 0 : (rows + kSumRows - 1) / kSumRows; }

/// Sums of products of 8-bit numbers on their way to what they stand for.
struct Rescale {
  Tensor sums;      // i32 [T,O]
  Tensor shift;     // i32 [1,O]
  Tensor steps;     // f32 [1,T]
  Tensor scales;    // f32 [1,O]
  Tensor b;         // f32 [1,O], optional
  Tensor residual;  // as y, optional; may be the same view
  Tensor y;         // f32 [T,O]
};

/// Columns of w, one panel after the other: all of the first kPanel columns, then all of the next, filled up with zeros.
constexpr int64_t kPanel = 64;
/// Up to here a product waits for its weight's values rather than for its sums.
constexpr int64_t kFewRows = 128;

/// y = x·w + bias + addend, or y += that; all f32 but w. T is at most kFewRows.
struct FewRows {
  Tensor x;                   // f32 [T,I]
  const void* w;              // [I,O] in panels; or lying as rows [O,I], I a multiple of 16 and O of kPanel
  DType type = DType::f32;    // of w, f32 or bf16
  int64_t stride = 0;         // elements of a panel, at least I·kPanel, or of a row
  bool lying = false;
  const float* bias = nullptr;  // [O]
  Tensor addend;              // f32 [T,O], optional
  Tensor y;                   // f32 [T,O]
  bool accumulate = false;
};

/// What a u8 of rounded rows holds for 0.
constexpr int kRoundedZero = 128;

/// A panel of a weight [O,I], made of its rows.
struct PanelFill {
  Tensor rows;              // f32 [R,I], with room for kPanel rows, of which R are there; I a multiple of 16 words. Is changed
  void* to;                 // kPanel columns of I numbers, by words of 4 bytes
  DType type = DType::f32;  // f32, bf16 or i8
  bool pairs = false;       // of bf16: two of them are a word; else they lie as f32 does
  int levels = 127;         // of i8: the largest magnitude
  float* scales = nullptr;  // of i8 [R]: what 1 stands for
  int32_t* shift = nullptr; // of i8 [R]: zero_shift
};

/// The right side of a product in f32: its panels, `panel` elements each; and what threads work with, wide_scratch each.
struct WidePanels {
  const float* data;
  int64_t panel;
  void* scratch;
  int threads;
};

/// The right side of a product of rounded rows: panels of words of four, `panel` words each.
struct RoundedPanels {
  const void* data;
  int64_t panel;
  const int32_t* shift;  // [O]: zero_shift
  Tensor scales;         // f32 [1,O]
  Tensor rows, steps;    // round_rows of x; what follows a row, up to the next word, may be anything
};

struct Kernels {
  // rounded_products.cpp
  /// Of weights of i8 whose magnitudes are at most 63.
  void (*rounded_linear)(const Linear& op, const RoundedPanels& w);

  // wide_products.cpp
  /// Bytes a thread, for a product of these many rows and terms of a sum.
  size_t (*wide_scratch)(int64_t rows, int64_t depth);
  void (*wide_linear)(const Linear& op, const WidePanels& w);
  /// partials: column sums of dx over chunks of kSumRows rows; optional.
  void (*wide_input_grad)(const LinearInputGrad& op, const WidePanels& w, const Tensor& partials);
  /// dw (+)= leftᵀ·w; partials as above, but of left.
  void (*wide_weight_grad)(const Tensor& left, const WidePanels& w, const Tensor& dw, bool accumulate, const Tensor& partials);

  // few_rows.cpp
  void (*few_rows)(const FewRows& op);

  // activation.cpp
  /// y = act(x) + residual, x f32 or bf16; residual may be absent, and is of y's type.
  void (*activation)(Act act, const Tensor& x, const Tensor& residual, const Tensor& y);
  /// dx = dy∘act'(pre); hidden = act(pre), if it is given. dy is f32 or of dx's type; dx may be dy, and hidden pre.
  void (*activation_grad)(Act act, const Tensor& pre, const Tensor& dy, const Tensor& dx, const Tensor& hidden);

  // rounded.cpp
  /// Of f32. q u8 = 128 + x rounded to -127 .. 127 in each row, whose step goes to steps f32 [1,T]; as Linear says.
  void (*round_rows)(const Tensor& x, const Tensor& q, const Tensor& steps);
  /// y[t,o] = (sums[t,o] - shift[o])·(steps[t]·scales[o]) + b[o] + residual[t,o]
  void (*rescale)(const Rescale& op);
  /// shift i32 [1,O]: what the 128 that q has too much adds to the sums of w i8 [O,I].
  void (*zero_shift)(const Tensor& w, const Tensor& shift);

  // columns.cpp
  /// partials[chunk, col] (f32) = column sums over that chunk's rows of x.
  void (*column_sums)(const Tensor& x, const Tensor& partials);
  /// out (+)= partials summed over chunks, in their order.
  void (*add_partials)(const Tensor& partials, float* out, bool accumulate);
  /// y[c,r] = x[r,c], y of x's type (f32 or bf16) or f32; partials as column_sums when given.
  void (*transpose)(const Tensor& x, const Tensor& y, const Tensor& partials);
  /// x[K,N] → f32 panels[N / kPanel, K'·kPanel], K' a multiple of 16: rows beyond K and columns beyond N are zero.
  void (*widen_panels)(const Tensor& x, const Tensor& panels);

  // info_nce.cpp
  void (*pair_statistics)(const PairTile& tile, const PairStatistics& statistics);
  void (*pair_gradient)(const PairTile& tile, const PairGradient& gradient);

  // distill.cpp
  void (*pair_distill)(const DistillTile& student, const DistillTile& teacher, const DistillTileGrad& gradient);

  // norms.cpp
  void (*layer_norm)(const LayerNorm& op);
  /// dgamma and dbeta go to partials f32 [2·chunks, D]: all dgamma chunks, then all dbeta chunks (absent when unwanted).
  void (*layer_norm_grad)(const LayerNormGrad& op, const Tensor& partials);
  void (*l2_normalize)(const L2Normalize& op);
  void (*l2_normalize_grad)(const L2NormalizeGrad& op);

  // layer_scale.cpp
  void (*layer_scale)(const LayerScale& op);
  /// dgamma goes to partials f32 [chunks, D], absent when unwanted.
  void (*layer_scale_grad)(const LayerScaleGrad& op, const Tensor& partials);

  // attention.cpp
  size_t (*attention_scratch)(const Attention& op, int threads);
  size_t (*attention_grad_scratch)(const AttentionGrad& op, int threads);
  void (*attention)(const Attention& op, void* scratch, int threads);
  void (*attention_grad)(const AttentionGrad& op, void* scratch, int threads);

  // rotary.cpp
  void (*rotary)(const Rotary& op);

  // swiglu.cpp
  void (*swiglu)(const Swiglu& op);
  void (*swiglu_grad)(const SwigluGrad& op);

  // dropout.cpp
  void (*dropout)(const Dropout& op);

  // tokens.cpp
  void (*embed)(const Embed& op);
  void (*embed_grad)(const EmbedGrad& op);
  void (*vision_tokens)(const VisionTokens& op);
  void (*vision_tokens_grad)(const VisionTokensGrad& op);
  void (*patchify)(const Patchify& op);

  // rows.cpp
  void (*gather_rows)(const GatherRows& op);
  void (*scatter_add_rows)(const ScatterAddRows& op);
  void (*sequence_mean)(const SequenceMean& op);
  void (*sequence_mean_grad)(const SequenceMeanGrad& op);

  // optimizer.cpp
  /// sums[i] = sum of squares of the i-th block of kNormBlock gradients, segments one after another.
  void (*squares)(const Segments& segments, double* sums);
  /// lamb's first pass: moves the moments; sums[2·i] and sums[2·i + 1] are the i-th block's squares of values and updates.
  void (*lamb_moments)(const OptimizerStep& op, double* sums);
  /// ratios: lamb's |p|/|w|, one a segment; null for the other rules.
  void (*optimizer_step)(const OptimizerStep& op, const float* ratios);

  // elements.cpp
  void (*cast)(const Tensor& x, const Tensor& y);
  void (*clamp)(const Clamp& op);
  void (*fill)(const Fill& op);
  void (*tanh)(const Tanh& op);
  void (*tanh_grad)(const TanhGrad& op);

  // sigmoid_loss.cpp
  void (*pair_sigmoid)(const PairTile& tile, const PairSigmoid& sigmoid);

  // panels.cpp
  void (*fill_panel)(const PanelFill& op);
};

constexpr int64_t kNormBlock = 1 << 16;

/// The subjects whose files fill the table.
#define CW_KERNEL_SUBJECTS(X) \
  X(few_rows) X(rounded_products) X(wide_products) X(activation) X(rounded) X(columns) X(info_nce) X(norms) X(layer_scale) X(attention) X(rotary) \
  X(swiglu) X(dropout) X(tokens) X(rows) X(optimizer) X(elements) X(sigmoid_loss) X(distill) X(panels)

#define CW_DECLARE_SUBJECT(subject) void add_##subject(Kernels& k);
#define CW_DECLARE_ISA(isa)                   \
  namespace isa {                             \
  CW_KERNEL_SUBJECTS(CW_DECLARE_SUBJECT)      \
  void fill_table(Kernels& k);                \
  }
CW_DECLARE_ISA(avx2)
CW_DECLARE_ISA(avx512)
CW_DECLARE_ISA(avx512_bf16)
#undef CW_DECLARE_ISA
#undef CW_DECLARE_SUBJECT

/// The table for selected_isa().
const Kernels& kernels();

}  // namespace cw
