// InfoNCE as a rule of the sweeps over pairs: the first of its kind. Exponents are powers of two, as the hardware has them.
#pragma once
#include "ops/ops.h"
#include "ops/cuda/device/pair_lines.cuh"

namespace cw {

/// What exponents of a line are taken against; any number does where nothing counts.
__device__ inline float reference_of(float largest) { return largest == -INFINITY ? 0.0f : largest; }

/// Largest logits and sums of powers against them, of several parts of each line: [parts, lines].
struct LinePartials {
  float *max, *sum;
  int64_t lines;

  __device__ int64_t at(int64_t part, int64_t line) const { return part * lines + line; }
};

/// Adds a part to a line's maximum and sum.
__device__ inline void add_part(float& largest, float& sum, float part_largest, float part_sum) {
  const float most = fmaxf(largest, part_largest), reference = reference_of(most);
  sum = sum * power_of_2(largest - reference) + part_sum * power_of_2(part_largest - reference);
  largest = most;
}

/// Row and column have references of their own, so that no logit is too large and no sum is lost. Rows are summed by warps
/// over the sweep, each by one of the four lanes that share it; columns by warps, and by blocks over the rows that each takes
/// one after the other.
struct InfoNceStatistics {
  const float* logit_scale;  // the logarithm
  float* diagonal;           // of rows
  LinePartials rows, cols;   // parts: blockIdx.y, blockIdx.x

  template <int kTiles>
  class State {
   public:
    __device__ State(const InfoNceStatistics& rule, const PairLines& lines)
        : rule_(rule), lines_(lines), scale_(expf(*rule.logit_scale)) {}
    __device__ void begin() {
#pragma unroll
      for (int i = 0; i < kOwnRows; ++i) {
        largest_[i] = -INFINITY;
        sum_[i] = 0;
      }
    }
    __device__ void add(int row, int col, float (&dots)[kTiles][kTileCols][4]) {
      float before_largest = -INFINITY, before_sum = 0;
      const int own_col = col + 8 * (g_ / 2) + 2 * t_ + g_ % 2;  // whose statistics this lane writes
      const bool fresh = row == static_cast<int>(blockIdx.x) * kRows, writes = own_col < lines_.cols;
      if (!fresh && writes) {
        before_largest = rule_.cols.max[rule_.cols.at(blockIdx.x, own_col)];
        before_sum = rule_.cols.sum[rule_.cols.at(blockIdx.x, own_col)];
      }
      if (lines_.plain(row, kRows, col, 8 * kTileCols))
        to_logits<true>(row, col, dots);
      else
        to_logits<false>(row, col, dots);
      add_rows(dots);
      add_cols(dots, before_largest, before_sum);
      if (!writes) return;
      rule_.cols.max[rule_.cols.at(blockIdx.x, own_col)] = before_largest;
      rule_.cols.sum[rule_.cols.at(blockIdx.x, own_col)] = before_sum;
    }
    __device__ void end(float* memory) const {
#pragma unroll
      for (int i = 0; i < kOwnRows; ++i) {
        const int r = 8 * (4 * i + t_) + g_;
        memory[r] = largest_[i];
        memory[kRows + r] = sum_[i];
      }
    }
    __device__ void merge(int row, int r, const float* memory, int stride) const {
      if (row + r >= lines_.rows) return;
      float largest = -INFINITY, sum = 0;
      for (int w = 0; w < kSweepWarps; ++w) add_part(largest, sum, memory[w * stride + r], memory[w * stride + kRows + r]);
      rule_.rows.max[rule_.rows.at(blockIdx.y, row + r)] = largest;
      rule_.rows.sum[rule_.rows.at(blockIdx.y, row + r)] = sum;
    }

   private:
    static constexpr int kRows = 16 * kTiles, kOwnRows = kRows / kWarp;

    template <bool kPlain>
    __device__ void to_logits(int row, int col, float (&dots)[kTiles][kTileCols][4]) const {
      const float scale = scale_ * kPerLog2;
      const PairMask mask(lines_, row, col);
      const auto col_of = [&](int k) { return 8 * (k / 2) + 2 * t_ + k % 2; };
      int col_groups[2 * kTileCols];
#pragma unroll
      for (int k = 0; k < 2 * kTileCols; ++k)
        if constexpr (!kPlain) col_groups[k] = mask.col_group(col_of(k));
#pragma unroll
      for (int i = 0; i < 2 * kTiles; ++i) {
        const int r = 8 * i + g_, row_group = kPlain ? 0 : mask.row_group(r);
#pragma unroll
        for (int k = 0; k < 2 * kTileCols; ++k) {
          float& x = dots[i / 2][k / 2][i % 2 * 2 + k % 2];
          if constexpr (!kPlain) {
            const bool counted = mask.counts(r, col_of(k), row_group, col_groups[k]);
            if (counted && mask.own(r, col_of(k))) rule_.diagonal[row + r] = scale_ * x;
            x = counted ? scale * x : -INFINITY;
          } else {
            x *= scale;
          }
        }
      }
    }
    __device__ void add_rows(const float (&logits)[kTiles][kTileCols][4]) {
#pragma unroll
      for (int i = 0; i < 2 * kTiles; ++i) {
        const int e = i % 2 * 2;
        float most = -INFINITY, powers = 0;
#pragma unroll
        for (int j = 0; j < kTileCols; ++j) most = fmaxf(most, fmaxf(logits[i / 2][j][e], logits[i / 2][j][e + 1]));
        most = reduce_lanes<1, 2>(most, Max{});
        const float reference = reference_of(most);
#pragma unroll
        for (int j = 0; j < kTileCols; ++j)
          powers += power_of_2(logits[i / 2][j][e] - reference) + power_of_2(logits[i / 2][j][e + 1] - reference);
        powers = reduce_lanes<1, 2>(powers, Sum{});
        if (t_ == i % 4) add_part(largest_[i / 4], sum_[i / 4], most, powers);
      }
    }
    __device__ void add_cols(const float (&logits)[kTiles][kTileCols][4], float& largest, float& sum) const {
      float tile_largest = -INFINITY, tile_sum = 0;  // of the lane's own column
#pragma unroll
      for (int j = 0; j < kTileCols; ++j)
#pragma unroll
        for (int k = 0; k < 2; ++k) {
          float most = -INFINITY, powers = 0;
#pragma unroll
          for (int i = 0; i < kTiles; ++i) most = fmaxf(most, fmaxf(logits[i][j][k], logits[i][j][2 + k]));
          most = reduce_lanes<4, 16>(most, Max{});
          const float reference = reference_of(most);
#pragma unroll
          for (int i = 0; i < kTiles; ++i)
            powers += power_of_2(logits[i][j][k] - reference) + power_of_2(logits[i][j][2 + k] - reference);
          powers = reduce_lanes<4, 16>(powers, Sum{});
          if (g_ != 2 * j + k) continue;
          tile_largest = most;
          tile_sum = powers;
        }
      add_part(largest, sum, tile_largest, tile_sum);
    }
    /// Over the lanes kFirst .. kLast apart that share a row (1, 2) or a column (4, 16).
    template <int kFirst, int kLast, class Combine>
    static __device__ float reduce_lanes(float x, Combine combine) {
#pragma unroll
      for (int with = kFirst; with <= kLast; with *= 2) x = combine(x, __shfl_xor_sync(kWholeWarp, x, with));
      return x;
    }

    const InfoNceStatistics& rule_;
    const PairLines& lines_;
    const float scale_;
    const int g_ = static_cast<int>(threadIdx.x) % kWarp / 4, t_ = static_cast<int>(threadIdx.x) % 4;
    float largest_[kOwnRows], sum_[kOwnRows];  // of rows 8(4i + t) + g
  };
};

/// weight = exp(logit - row_lse) + exp(logit - col_lse) - 2·[own pair].
struct InfoNceGradients {
  const float *logit_scale, *loss_scale;  // loss_scale: null, or times its first
  const float *row_lse, *col_lse;
  float of_loss;

  class Weights {
   public:
    static constexpr int kSums = 1;
    struct Line {
      float lse;
    };
    __device__ explicit Weights(const InfoNceGradients& rule) : rule_(rule), scale_(expf(*rule.logit_scale)) {}
    __device__ Line row(int i) const { return {rule_.row_lse[i] * kPerLog2}; }
    __device__ Line col(int i) const { return {rule_.col_lse[i] * kPerLog2}; }
    /// sums: dlogit_scale.
    __device__ float of(Line row, Line col, float dot, bool own, float (&sums)[kSums]) const {
      const float scale = scale_ * kPerLog2;
      const float both = power_of_2(fmaf(scale, dot, -row.lse)) + power_of_2(fmaf(scale, dot, -col.lse));
      const float weight = own ? both - 2 : both;
      sums[0] = fmaf(weight, dot, sums[0]);
      return weight;
    }
    __device__ float factor() const {
      return scale_ * rule_.of_loss * (rule_.loss_scale ? rule_.loss_scale[static_cast<int>(LossScale::value)] : 1.0f);
    }
    __device__ float factor(int) const { return factor(); }

   private:
    const InfoNceGradients& rule_;
    const float scale_;
  };
};

}  // namespace cw
