// The one list of operations. reference/, cpu/ and cuda/ implement it; nothing above this folder knows which one runs.
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
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "core/tensor.h"

namespace cw {

enum class Act : uint8_t { none, gelu, gelu_tanh, quick_gelu };  // erf form; tanh form; x·sigmoid(1.702·x)

/// A matrix of parameters. `compute` holds the values of `master` in the activations' type (it is `master` in f32).
/// Backends may keep packed copies by `id` and refresh them when `version` moved.
struct Weight {
  Tensor master;             // f32 [O,I]; [I,O] when input_major
  Tensor compute;            // x, same shape
  bool input_major = false;  // CLIP's projections are stored [I,O]: y = x·W
  uint32_t id = 0;           // unique among a backend's weights; 0 = never keep a packed copy
  uint64_t version = 0;
};

/// Output features first .. first+count of a weight (count < 0: to the end). input_major weights only whole.
struct WeightView {
  const Weight* weight = nullptr;
  int64_t first = 0;
  int64_t count = -1;
  int64_t out_features() const;
  int64_t in_features() const;
};

/// Packed sequences: sequence s owns rows offsets[s] .. offsets[s+1]. offsets is on the device; the rest is a plan's bound.
struct Sequences {
  Tensor offsets;          // i32 [1, S+1]
  int64_t count = 0;       // S
  int64_t max_length = 0;  // no sequence is longer; may be larger than the longest one
};

// ---- products ------------------------------------------------------------------------------------------------------

/// y[T,O] = act(x[T,I]·w[O,I]ᵀ + b[O]) + residual[T,O]. `pre`, if given, keeps the argument of act.
/// y may be f32 with x of 16 bits; y may be the same view as residual.
struct Linear {
  Tensor x;
  WeightView w;
  Tensor b;         // f32 [1,O], optional
  Tensor residual;  // as y, optional
  Tensor y;
  Tensor pre;  // x [T,O], optional
  Act act = Act::none;
};

/// dx[T,I] = (dy[T,O]·w[O,I]) ∘ act'(pre[T,I]). With Act::none pre is not read, and dx may have a residual added, which
/// may be the same view as dx.
struct LinearInputGrad {
  Tensor dy;
  WeightView w;
  Tensor dx;
  Tensor pre;
  Tensor residual;  // as dx, optional
  Act act = Act::none;
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

// ---- norms ---------------------------------------------------------------------------------------------------------

/// y = (x - mean)·rstd·gamma + beta by rows; variance is biased, rstd = 1/sqrt(var + eps).
struct LayerNorm {
  Tensor x, gamma, beta;  // x [T,D]; f32 [1,D]
  Tensor y;               // x [T,D]
  Tensor mean, rstd;      // f32 [1,T], optional (both or none)
  float eps = 1e-5f;
};

/// dx = residual + gradient of LayerNorm. dx may be the same view as residual or dy.
struct LayerNormGrad {
  Tensor x, gamma, mean, rstd, dy;
  Tensor residual;       // x [T,D], optional
  Tensor dx;             // x [T,D]
  Tensor dgamma, dbeta;  // f32 [1,D], optional (both or none)
  bool accumulate = false;
};

/// y = x / max(|x|, 1e-12) by rows; inv_norm keeps 1/max(|x|, 1e-12). y may be the same view as x.
struct L2Normalize {
  Tensor x, y;      // f32 [R,E]
  Tensor inv_norm;  // f32 [1,R], optional
};

/// dx = (dy - y·(y·dy))·inv_norm. dx may be the same view as dy.
struct L2NormalizeGrad {
  Tensor y, inv_norm, dy, dx;
};

// ---- attention -----------------------------------------------------------------------------------------------------

/// Which rows ask. Default: every row of the sequences. Otherwise q, y and lse have R rows: those of sequence s are
/// offsets[s] .. offsets[s+1], and row r stands at packed row positions[r] of the same sequence (it decides what a causal
/// query may see).
struct Queries {
  Tensor offsets;    // i32 [1, S+1]
  Tensor positions;  // i32 [1, R]
  int64_t max_per_sequence = 0;
  explicit operator bool() const { return static_cast<bool>(offsets); }
};

/// y = softmax(q·kᵀ/sqrt(D/H))·v within each sequence and head. q, k, v are usually column ranges of one qkv [T,3D].
/// Rows of y that belong to no sequence are zero, and so is their lse.
struct Attention {
  Tensor q;     // x [R,D]
  Tensor k, v;  // x [T,D]
  Tensor y;     // x [R,D]
  Tensor lse;   // f32 [H,R] log of the softmax's denominator (scaled logits), optional
  Sequences sequences;
  Queries queries;
  int64_t heads = 1;
  bool causal = false;
};

/// Gradients of Attention; probabilities are recomputed from lse. Rows that belong to no sequence get zeros.
struct AttentionGrad {
  Tensor q, k, v, y, lse, dy;
  Tensor dq, dk, dv;  // x
  Sequences sequences;
  Queries queries;
  int64_t heads = 1;
  bool causal = false;
};

// ---- tokens in -----------------------------------------------------------------------------------------------------

/// y[t] = table[ids[t]] + positions[position_ids[t]] + token_type; rows at and past offsets[S] are zero. token_type has no
/// gradient here: it is the column sums of dy (LinearWeightGrad's db).
struct Embed {
  Tensor ids, position_ids;  // i32 [1,T]
  Tensor table;              // f32 [V,D]
  Tensor positions;          // f32 [L,D]
  Tensor token_type;         // f32 [1,D], optional: BERT's, of which CLIP's captions have one
  Tensor y;                  // x [T,D]
  Sequences sequences;
};

/// Deterministic: the rows of one id are added in packed order. Without accumulate, untouched rows become zero.
struct EmbedGrad {
  Tensor dy;                  // x [T,D]
  Tensor ids, position_ids;   // i32 [1,T]
  Tensor dtable, dpositions;  // f32, each optional
  Sequences sequences;
  bool accumulate = false;
};

/// Patch rows of images, normalised: y[p] = ((pixel/255) - mean[c]) / std[c] for u8 [N, H·W·3] (RGB, interleaved), or the
/// values themselves for f32 [N, 3·H·W]. Row order n, patch row, patch column; column order c, y, x (as conv1.weight).
/// `patches`, if given, lists the rows wanted (n·grid + patch); else all, P = N·(H/patch)·(W/patch).
struct Patchify {
  Tensor images;
  Tensor patches;  // i32 [1,P], optional
  Tensor y;        // x [P, 3·patch²]
  int64_t height = 0, width = 0, patch = 0;
  std::array<float, 3> mean{0.48145466f, 0.4578275f, 0.40821073f};
  std::array<float, 3> std{0.26862954f, 0.26130258f, 0.27577711f};
};

/// y[t] = (source[t] < 0 ? class_embedding : patches[source[t]]) + positions[position_ids[t]]; filler rows zero.
struct VisionTokens {
  Tensor patches;               // x [P,D]
  Tensor class_embedding;       // f32 [1,D]
  Tensor positions;             // f32 [L,D]
  Tensor source, position_ids;  // i32 [1,T]
  Tensor y;                     // x [T,D]
  Sequences sequences;
};

/// dpatches[source[t]] = dy[t] (a patch is used at most once; one that is not gets zeros); dclass and dpositions are summed in packed order.
struct VisionTokensGrad {
  Tensor dy;                    // x [T,D]
  Tensor source, position_ids;  // i32 [1,T]
  Tensor dpatches;              // x [P,D], optional
  Tensor dclass;                // f32 [1,D], optional
  Tensor dpositions;            // f32 [L,D], optional
  Sequences sequences;
  bool accumulate = false;  // concerns dclass and dpositions
};

// ---- rows ----------------------------------------------------------------------------------------------------------

/// y[r] = x[rows[r]]
struct GatherRows {
  Tensor x, rows, y;  // [T,D], i32 [1,R], [R,D]; x and y of one type
};

/// y[rows[r]] += x[r]; rows are distinct.
struct ScatterAddRows {
  Tensor x, rows, y;  // [R,D], i32 [1,R], [T,D]
};

/// y[s] = mean of the rows of sequence s; zeros for an empty one.
struct SequenceMean {
  Tensor x, y;  // x [T,D], [S,D]
  Sequences sequences;
};

/// dx[t] = dy[s] / rows of s, for t in sequence s; zeros in filler rows.
struct SequenceMeanGrad {
  Tensor dy, dx;  // x [S,D], [T,D]
  Sequences sequences;
};

// ---- losses --------------------------------------------------------------------------------------------------------

/// Statistics of logits[i,j] = exp(logit_scale)·image[i]·text[j] for local image rows against all texts, in streamed
/// tiles: the matrix is never stored. With several ranks col_lse covers the local rows only and is combined outside.
/// Pairs i ≠ j of global rows with groups[i] = groups[j] (same picture or same words) are left out of both softmaxes; a
/// column whose local rows are all left out has col_lse = -infinity.
struct InfoNce {
  Tensor image;        // f32, bf16 or f16 [n,E], unit rows; global rows row_offset .. row_offset+n
  Tensor text;         // as image [m,E]
  Tensor logit_scale;  // f32 [1,1], the logarithm
  Tensor groups;       // i32 [1,m], optional
  Tensor row_lse;      // f32 [1,n]
  Tensor col_lse;      // f32 [1,m]
  Tensor diagonal;     // f32 [1,n] logits of the true pairs
  int64_t row_offset = 0;
};

/// loss (+)= weight·Σ_i (row_lse[i] + col_lse[row_offset+i] - 2·diagonal[i]): mean of both cross-entropies with weight
/// 1/(2m), their sum with 1/m. Source: open_clip loss.py ClipLoss.
struct InfoNceLoss {
  Tensor row_lse, col_lse, diagonal;
  Tensor loss;  // f32 [1,1]
  float weight = 0;
  int64_t row_offset = 0;
  bool accumulate = false;
};

/// Gradients of that loss, times loss_scale; dtext and dlogit_scale are this rank's part. Tiles are recomputed.
struct InfoNceGrad {
  Tensor image, text, logit_scale, groups, row_lse, col_lse;
  Tensor loss_scale;    // f32 [1, LossScale::count], optional: f16's activations need large gradients
  Tensor dimage;        // f32 [n,E]
  Tensor dtext;         // f32 [m,E]
  Tensor dlogit_scale;  // f32 [1,1]
  float weight = 0;
  int64_t row_offset = 0;
  bool accumulate = false;  // concerns dlogit_scale only
};

// ---- optimizer -----------------------------------------------------------------------------------------------------

/// Device scalars of one optimizer. The host uploads lr and max_norm before a step, GradNorm writes the others: no step
/// has to know on the host whether the one before was skipped.
enum class Control : int { lr, max_norm, step, norm, clip, skip, count };

/// Device scalars of f16 training: what the loss was multiplied by, and how many steps in a row were finite.
enum class LossScale : int { value, good_steps, count };

/// A run of parameters with the same settings.
struct Segment {
  float* value = nullptr;
  float* grad = nullptr;
  float* m = nullptr;       // first moment or momentum
  float* v = nullptr;       // second moment; null where the rule has none
  void* compute = nullptr;  // copy in `compute_type`, or null
  int64_t count = 0;
  float lr_scale = 1;
  float weight_decay = 0;
};

/// A table of segments on the host; `version` moves when it changed (a backend may keep it on its device).
struct Segments {
  const Segment* items = nullptr;
  int64_t count = 0;
  uint64_t version = 0;
  DType compute_type = DType::f32;
};

/// norm = |gradients|/loss_scale (two stages, fixed order); clip = min(1, max_norm/norm)/loss_scale (max_norm 0: no
/// limit); skip = 1 when the norm is not finite (clip then means nothing), else 0 and step += 1.
struct GradNorm {
  Segments segments;
  Tensor control;     // f32 [1, Control::count]
  Tensor loss_scale;  // f32 [1, LossScale::count], optional: 1
};

/// After GradNorm: a skipped step halves the scale (not below 1), every growth_interval finite ones in a row double it
/// (not above 2^24). Source: torch.amp.GradScaler.
struct UpdateLossScale {
  Tensor control, loss_scale;
  int64_t growth_interval = 2000;
};

enum class Rule : uint8_t { adamw, adam, lion, lamb, sgd };
constexpr bool has_second_moment(Rule r) { return r == Rule::adamw || r == Rule::adam || r == Rule::lamb; }
constexpr bool needs_first_moment(Rule r) { return r != Rule::sgd; }

/// One step, unless control.skip, which leaves everything as it was. compute gets the new value, rounded. With
/// g = grad·clip, lr = control.lr·lr_scale, t = control.step (GradNorm made it 1 before the first):
/// adamw (Loshchilov & Hutter 2019, as torch.optim.AdamW): p -= lr·wd·p; m, v moments;
///       p -= lr·u, u = (m/(1-beta1^t)) / (sqrt(v/(1-beta2^t)) + eps).
/// adam  (Kingma & Ba 2015, as torch.optim.Adam): g += wd·p; m, v, u as above; p -= lr·u.
/// lion  (Chen et al. 2023, algorithm 2): p -= lr·(sign(beta1·m + (1-beta1)·g) + wd·p); m = beta2·m + (1-beta2)·g.
/// lamb  (You et al. 2020, algorithm 2, φ the identity): m, v, u as adamw; w = u + wd·p; p -= lr·(|p|/|w|)·w, with norms
///       over the segment, which must be a whole parameter, summed in two stages in a fixed order. A norm of 0 makes the
///       ratio 1.
/// sgd   (as torch.optim.SGD): g += wd·p; m = momentum·m + g (m = g at t = 1); p -= lr·m. Null m: no momentum.
struct OptimizerStep {
  Segments segments;
  Tensor control;
  Rule rule = Rule::adamw;
  float beta1 = 0.9f, beta2 = 0.98f, eps = 1e-6f, momentum = 0;
};

/// x = min(max(x, low), high) by elements.
struct Clamp {
  Tensor x;  // f32
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

// ---- elements ------------------------------------------------------------------------------------------------------

/// y = x in y's type (f32, bf16, f16).
struct Cast {
  Tensor x, y;
};

struct Fill {
  Tensor y;  // f32, bf16 or f16
  float value = 0;
};

/// y = tanh(x) by elements. y may be the same view as x.
struct Tanh {
  Tensor x, y;  // x [R,D]
};

/// dx = dy·(1 - y²), y being Tanh's result. dx may be the same view as dy.
struct TanhGrad {
  Tensor y, dy, dx;  // x [R,D]
};

/// Element i draws u = unit_float(v[i%4]) of v = philox(seed, stream, i/4). All steps in f32, the same on every backend but
/// for the last bits of log, sin and cos:
/// uniform: fma(b - a, u[i%4], a)
/// normal:  mean a, standard deviation b. Box-Muller turns the pairs (u[0],u[1]) and (u[2],u[3]) into elements 0,1 and 2,3:
///          radius = sqrt(-2·log(u[0])), angle = 6.2831855·u[1]; fma(b, radius·cos(angle), a), fma(b, radius·sin(angle), a)
struct RandomInit {
  Tensor y;  // f32, contiguous
  enum class Kind : uint8_t { normal, uniform } kind = Kind::normal;
  float a = 0, b = 1;
  uint64_t seed = 0, stream = 0;
};

// ---- the interface -------------------------------------------------------------------------------------------------

/// Public calls check their arguments (check.cpp) and the stop flag, then run. Errors: invalid_argument or unsupported,
/// naming the op and the field; cancelled when the stop flag is up.
#define CW_FOR_EACH_OP(X)                                                                                          \
  X(linear, Linear) X(linear_input_grad, LinearInputGrad) X(linear_weight_grad, LinearWeightGrad)                  \
  X(layer_norm, LayerNorm) X(layer_norm_grad, LayerNormGrad) X(l2_normalize, L2Normalize)                          \
  X(l2_normalize_grad, L2NormalizeGrad) X(attention, Attention) X(attention_grad, AttentionGrad)                   \
  X(embed, Embed) X(embed_grad, EmbedGrad) X(patchify, Patchify) X(vision_tokens, VisionTokens)                    \
  X(vision_tokens_grad, VisionTokensGrad) X(gather_rows, GatherRows) X(scatter_add_rows, ScatterAddRows)           \
  X(sequence_mean, SequenceMean) X(sequence_mean_grad, SequenceMeanGrad) X(tanh, Tanh) X(tanh_grad, TanhGrad)      \
  X(info_nce, InfoNce) X(info_nce_loss, InfoNceLoss) X(info_nce_grad, InfoNceGrad) X(grad_norm, GradNorm)          \
  X(update_loss_scale, UpdateLossScale) X(optimizer_step, OptimizerStep) X(clamp, Clamp) X(cast, Cast)             \
  X(fill, Fill) X(random_init, RandomInit)

class Ops {
 public:
  virtual ~Ops() = default;
  /// Whether ops take this type where they take floating types. A backend that lacks one says so here.
  virtual bool computes(DType type) const { return type == DType::f32 || type == DType::bf16 || type == DType::f16; }
  /// While *stop is true every call throws cancelled. Null: never.
  virtual void set_stop(const std::atomic<bool>* stop) { stop_ = stop; }

#define CW_DECLARE(name, Struct) void name(const Struct& op);
  CW_FOR_EACH_OP(CW_DECLARE)
#undef CW_DECLARE

 protected:
#define CW_DECLARE(name, Struct) virtual void run(const Struct& op) = 0;
  CW_FOR_EACH_OP(CW_DECLARE)
#undef CW_DECLARE

 private:
  const std::atomic<bool>* stop_ = nullptr;
};

}  // namespace cw
