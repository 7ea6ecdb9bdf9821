// Arguments of the kernels that turn tiles of products into a contrastive loss and its gradient.
#pragma once
#include <cstdint>

namespace cw {

constexpr int64_t kPairRows = 16;    // rows of a tile that one thread works on at a time
constexpr int64_t kPairCols = 1024;  // most columns of a tile
/// Stands for the maximum of nothing: finite, so that the difference of two of them is not NaN.
constexpr float kNoMaximum = -3e38f;

/// Products text·image of some texts (rows) and images (columns); logit = scale·dot. Kernels set those of left-out pairs to
/// -infinity.
struct PairTile {
  float* dots;
  int64_t stride, rows, cols;
  float scale;
  int64_t diagonal;           // column of row 0's true pair, outside the tile maybe
  const int32_t* row_groups;  // null: nothing is left out
  const int32_t* col_groups;
};

/// Running maxima of the logits and sums of exp(logit - maximum); a tile is added to them.
struct PairStatistics {
  float *row_max, *row_sum;      // [rows]
  float *col_max, *col_sum;      // [cols]
  float *block_max, *block_sum;  // scratch [rows / kPairRows, cols]
};

/// scale·weight·(softmax of rows + softmax of columns - 2 for the true pair), and its products with the dots.
struct PairGradient {
  void* data;  // f32 or bf16 [rows, stride]; f32 may be the dots' own memory
  int64_t stride;
  bool bf16;
  float weight;
  const float *row_lse, *col_lse;
  float* row_dots;  // [rows] sums of gradient∘dots
};

/// Of the sigmoid loss: scale·weight·(sigmoid(logit) - 1 for the true pair), logit = scale·dot + bias, and sums over rows.
struct PairSigmoid {
  void* data;  // as PairGradient's; null: the sums of losses only
  int64_t stride;
  bool bf16;
  float weight, bias;
  float* row_losses;  // [rows] Σ softplus(∓logit)
  float* row_dots;    // [rows] Σ gradient∘dots
  float* row_sums;    // [rows] Σ gradient / scale
};

}  // namespace cw
