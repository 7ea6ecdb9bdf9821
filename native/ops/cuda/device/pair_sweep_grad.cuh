// The backward sweep over pairs: the gradient of the rows' features. Logits are made again, a loss's rule turns each into
// its pair's weight, and weights times columns add up in registers over the whole sweep: [64 rows, all features] a block.
//
// Sums of rows and of columns cannot both stay in registers, and adding the others up across blocks in a fixed order would
// move n²·E/64 floats. So the kernel runs twice, the second time with rows and columns changed: 8·n²·E operations
// instead of 6, and nothing leaves the multiprocessor but the results. As in attention with keys that are values, one copy
// of 64 columns in shared memory serves both products: 64 multiplications a byte from L2.
// Per 64 x 64 pairs and 512 features (8 warps; a clock is 128 bytes of shared memory or some 1270 multiplications by mma.sync
// on compute capability 9.0): logits, 32 x 32 and half of the features a warp, read 256 KiB (2048 clocks); the other product,
// 64 x 64 features a warp, 128 KiB (1024); copies and exchange 100 KiB (800). 3900 clocks against 3300 of the tensor cores:
// shared memory bounds it slightly. Without halves, logits of 32 x 16 a warp would read 384 KiB.
#pragma once
#include "ops/cuda/device/pair_lines.cuh"

namespace cw {

inline constexpr int kGradTile = 64;  // rows of a block, and columns of a step
inline constexpr int kGradHalves = 2;
inline constexpr int kGradPart = 32;  // rows and columns of logits that a warp makes
inline constexpr int kMostUnits = 4;  // of 16 features, in a warp's sums

/// Of shared memory, for elements of 16 bits: rows, two steps' columns, weights, exchange.
inline constexpr size_t sweep_grad_bytes(int slices) {
  return 2 * (size_t{3} * kGradTile * slices * kDepth + kGradTile * kGradTile) + sizeof(float) * kSweepThreads * 16;
}

/// What weights are multiplied with before they are rounded: they lie in [-2, 2], and most are about 1/n. So f16 keeps its
/// eleven bits down to 2^-28, and 2^-38 of those below.
template <class T>
inline constexpr float kWeightUnit = std::is_same_v<T, f16> ? 16384.0f : 1.0f;

/// Rule::Weights(rule): Line row(row), col(col), what it knows of a line; of(Line row, Line col, dot, own, sums), the weight
/// of a pair that counts, in [-2, 2], and what the pair adds to the rule's kSums sums; factor(), what all weights are
/// multiplied with, and factor(sum). to: [gridDim.y][rows, width], a span's part each; sums: [kSums][blocks], or null.
/// kUnits: a warp has the sums of 16·kUnits features.
template <class T, int kUnits, class Rule>
__global__ void __launch_bounds__(kSweepThreads, 1)
    pair_sweep_grad_kernel(PairFeaturesView<T> f, PairLines lines, Rule rule, float* to, int width, float* sums) {
  CW_SHARED_DYNAMIC(T, memory);
  const OwnTiles<T> own{memory, kGradTile};
  const auto columns_of = [&](int step) { return OwnTiles<T>{own.end((1 + step) * f.slices), kGradTile}; };
  const Tile<T, kGradTile> weights{own.end(3 * f.slices)};
  float4* const exchange = reinterpret_cast<float4*>(weights.end(kGradTile));
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, g = lane / 4, t = lane % 4;
  const int half = warp / 4, part_row = warp % 2 * kGradPart, part_col = warp / 2 % 2 * kGradPart;
  const int kept = 16 * half;  // of the part's columns: those whose weights this warp makes
  const int row = static_cast<int>(blockIdx.x) * kGradTile, first_feature = warp * 16 * kUnits;
  const int first = static_cast<int>(blockIdx.y) * f.span, end = min(first + f.span, lines.cols);
  const int features = f.slices * kDepth, half_slices = (f.slices + 1) / 2;
  const int first_slice = half * half_slices, end_slice = min(first_slice + half_slices, f.slices);
  const auto row_at = [&](int i, int lower) { return row + part_row + 16 * i + g + 8 * lower; };

  const typename Rule::Weights weigh(rule);
  AsyncCopies copies;
  own.load(copies, f.a, f.a_stride, f.slices, row, lines.rows);
  if (first < end) columns_of(0).load(copies, f.b, f.b_stride, f.slices, first, lines.cols);
  copies.commit();
  typename Rule::Weights::Line row_lines[2][2];
#pragma unroll
  for (int i = 0; i < 2; ++i)
#pragma unroll
    for (int lower = 0; lower < 2; ++lower) row_lines[i][lower] = weigh.row(min(row_at(i, lower), lines.rows - 1));

  float out[kGradTile / 16][2 * kUnits][4] = {};
  constexpr int kSums = Rule::Weights::kSums;
  double pair_sums[kSums] = {};
  int step = 0;
  for (int col = first; col < end; col += kGradTile, step ^= 1) {
    copies.template wait<0>();
    __syncthreads();  // this step's columns are there; the last step's, and its weights, have been read
    const OwnTiles<T> columns = columns_of(step);
    if (col + kGradTile < end) columns_of(step ^ 1).load(copies, f.b, f.b_stride, f.slices, col + kGradTile, lines.cols);
    copies.commit();
    const auto col_at = [&](int j, int k) { return col + part_col + kept + 8 * j + 2 * t + k; };
    typename Rule::Weights::Line col_lines[2][2];
#pragma unroll
    for (int j = 0; j < 2; ++j)
#pragma unroll
      for (int k = 0; k < 2; ++k) col_lines[j][k] = weigh.col(min(col_at(j, k), lines.cols - 1));

    float dots[2][4][4] = {};  // of the kept columns, then of the others
    for (int s = first_slice; s < end_slice; ++s) {
      const Tile<T, kDepth> left = own.slice(s), right = columns.slice(s);
      Fragment a[2][2], b[2][2];  // of two runs of 16 features: one on its way while the other is multiplied
      const auto fetch = [&](int k) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          a[k / 16 % 2][i] = left.left(part_row + 16 * i, k);
          b[k / 16 % 2][i] = right.right_turned(part_col + (i == 0 ? kept : 16 - kept), k);
        }
      };
      fetch(0);
#pragma unroll
      for (int k = 0; k < kDepth; k += 16) {
        if (k + 16 < kDepth) fetch(k + 16);
#pragma unroll
        for (int i = 0; i < 2; ++i)
#pragma unroll
          for (int j = 0; j < 2; ++j)
            multiply_add<T>(dots[i][2 * j], dots[i][2 * j + 1], a[k / 16 % 2][i], b[k / 16 % 2][j]);
      }
    }
#pragma unroll
    for (int i = 0; i < 2; ++i)
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        const float(&c)[4] = dots[i][2 + j];
        exchange[(warp * 4 + i * 2 + j) * kWarp + lane] = {c[0], c[1], c[2], c[3]};
      }
    __syncthreads();

    float step_sums[kSums] = {};
    const auto weigh_tile = [&]<bool kPlain>() {
      const PairMask mask(lines, row, col);
#pragma unroll
      for (int i = 0; i < 2; ++i)
#pragma unroll
        for (int j = 0; j < 2; ++j) {
          const float4 other = exchange[((warp ^ 4) * 4 + i * 2 + j) * kWarp + lane];
          float(&c)[4] = dots[i][j];
          c[0] += other.x, c[1] += other.y, c[2] += other.z, c[3] += other.w;
#pragma unroll
          for (int e = 0; e < 4; ++e) {
            bool counted = true, own_one = false;
            if constexpr (!kPlain) {
              const int r = row_at(i, e / 2) - row, k = col_at(j, e % 2) - col;
              counted = mask.counts(r, k, mask.row_group(r), mask.col_group(k));
              own_one = mask.own(r, k);
            }
            c[e] = counted ? weigh.of(row_lines[i][e / 2], col_lines[j][e % 2], c[e], own_one, step_sums) : 0.0f;
          }
          weights.put(part_row + 16 * i, part_col + kept + 8 * j, c, kWeightUnit<T>, kWeightUnit<T>);
        }
    };
    if (lines.plain(row, kGradTile, col, kGradTile))
      weigh_tile.template operator()<true>();
    else
      weigh_tile.template operator()<false>();
#pragma unroll
    for (int k = 0; k < kSums; ++k) pair_sums[k] += static_cast<double>(step_sums[k]);
    __syncthreads();  // the weights are there

    if (first_feature < features) {
#pragma unroll
      for (int k = 0; k < kGradTile; k += 16) {
        Fragment a[kGradTile / 16];
#pragma unroll
        for (int i = 0; i < kGradTile / 16; ++i) a[i] = weights.left(16 * i, k);
#pragma unroll
        for (int u = 0; u < kUnits; ++u) {
          const int feature = min(first_feature + 16 * u, features - 16);  // beyond them nothing is stored
          const Fragment b = columns.slice(feature / kDepth).right(k, feature % kDepth);
#pragma unroll
          for (int i = 0; i < kGradTile / 16; ++i) multiply_add<T>(out[i][2 * u], out[i][2 * u + 1], a[i], b);
        }
      }
    }
  }

  const float factor = weigh.factor();
  float* const part = to + int64_t{blockIdx.y} * lines.rows * width;
#pragma unroll
  for (int i = 0; i < kGradTile / 16; ++i)
#pragma unroll
    for (int j = 0; j < 2 * kUnits; ++j)
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int r = row + 16 * i + g + 8 * (e / 2), c = first_feature + 8 * j + 2 * t + e % 2;
        if (r < lines.rows && c < width) part[int64_t{r} * width + c] = factor / kWeightUnit<T> * out[i][j][e];
      }
  if (!sums) return;
#pragma unroll
  for (int k = 0; k < kSums; ++k) {
    const double sum = reduce_block(pair_sums[k]);
    if (threadIdx.x == 0)
      sums[(k * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x] = static_cast<float>(static_cast<double>(weigh.factor(k)) * sum);
  }
}

}  // namespace cw
