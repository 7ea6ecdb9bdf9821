// sigmoid_loss and sigmoid_loss_grad. Gradients of 16-bit features go through sweeps where they fit (sigmoid_loss_sweep.cu).
// Otherwise products come in tiles: a tile's losses are summed up and its products turned into gradients of single pairs (in
// f32 in their place, in bf16 beside them), which two more products bring to dimage and dtext, tile after tile in order.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/sigmoid_rule.cuh"
#include "ops/cuda/kernels/pair_sweeps.h"
#include "ops/cuda/kernels/pair_tiles.h"

namespace cw {
namespace {

/// A block's parts: [kSigmoidSums][blocks of all tiles].
struct SigmoidSums {
  float* next;  // this tile's first block
  int64_t stride;

  __device__ void put(int sum, float value) const {
    if (threadIdx.x == 0) next[sum * stride + blockIdx.y * gridDim.x + blockIdx.x] = value;
  }
};

/// Calls body(row, first column, dots, pairs) for each pack of the tile's columns.
template <class Body>
__device__ inline void for_each_pack(const PairTile& t, float scale, float bias, Body&& body) {
  const PairPlace place;
#pragma unroll 1
  for (int r = 0; r < kRowsOfWarp; ++r) {
    const int row = place.row(r);
    if (row >= t.rows) break;
    float dots[kLaneCols];
    load_dots(t, place, row, dots);
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      SigmoidPair pairs[kPack];
#pragma unroll
      for (int k = 0; k < kPack; ++k) {
        const int col = place.col(p * kPack + k);
        pairs[k] = counts(t, row, col) ? sigmoid_pair(fmaf(scale, dots[p * kPack + k], bias), t.diagonal + row == col)
                                       : SigmoidPair{0.0f, 0.0f};
      }
      body(row, place.col(p * kPack), &dots[p * kPack], pairs);
    }
  }
}

__global__ void __launch_bounds__(kPairThreads)
    pair_sigmoid_loss_kernel(PairTile t, const float* logit_bias, float weight, SigmoidSums sums) {
  float loss = 0;
  for_each_pack(t, expf(*t.logit_scale), logit_bias ? *logit_bias : 0.0f,
                [&](int, int, const float*, const SigmoidPair(&pairs)[kPack]) {
#pragma unroll
                  for (int k = 0; k < kPack; ++k) loss += pairs[k].loss;
                });
  loss = reduce_block(weight * loss);
  sums.put(0, loss);
}

/// to[i,j] = scale·weight·(sigmoid(logit) - [true pair]), zero for pairs left out.
template <class G>
__global__ void __launch_bounds__(kPairThreads)
    pair_sigmoid_kernel(PairTile t, SigmoidGradients rule, G* to, int64_t stride, SigmoidSums sums) {
  const SigmoidGradients::Weights weigh(rule);
  const float scale = expf(*t.logit_scale), factor = weigh.factor();
  float parts[kSigmoidSums] = {};
  for_each_pack(t, scale, rule.logit_bias ? *rule.logit_bias : 0.0f,
                [&](int row, int col, const float* dots, const SigmoidPair(&pairs)[kPack]) {
                  GradPack<G> pack;
#pragma unroll
                  for (int k = 0; k < kPack; ++k) {
                    if (pairs[k].sigmoid != 0) parts[0] = fmaf(pairs[k].sigmoid, dots[k], parts[0]);
                    parts[1] += pairs[k].sigmoid;
                    parts[2] += pairs[k].loss;
                    pack.v[k] = from_float<G>(factor * pairs[k].sigmoid);
                  }
                  if (col < t.cols) *reinterpret_cast<GradPack<G>*>(to + row * stride + col) = pack;
                });
#pragma unroll
  for (int k = 0; k < kSigmoidSums; ++k) {
    const float part = reduce_block(weigh.factor(k) * parts[k]);
    sums.put(k, part);
  }
}

void value(Products& products, Workspace& work, cudaStream_t stream, int multiprocessors, const SigmoidLoss& op) {
  const int64_t n = op.image.rows, m = op.text.rows;
  PairTiles tiles(products, work, stream, multiprocessors, op);
  const Tensor sums = work.take(1, tiles.blocks(n, m), DType::f32);
  float* next = sums.as<float>();
  tiles.for_each_span(n, [&](Span i) {
    const Frame frame(work.arena());
    const Tensor image = tiles.features(op.image, i);
    tiles.for_each_span(m, [&](Span j) {
      const Frame frame(work.arena());
      const PairTile t = tiles.multiply(image, i, tiles.features(op.text, j), j);
      if (!work.live()) return;
      const dim3 grid = pair_grid(i.count, j.count);
      launch(stream, {"pair_sigmoid_loss", grid, kPairThreads}, pair_sigmoid_loss_kernel, t, op.logit_bias.as<const float>(),
             op.weight, SigmoidSums{next, sums.cols});
      next += static_cast<int64_t>(grid.x) * grid.y;
    });
  });
  if (work.live()) add_sums(stream, sums, op.loss, op.accumulate);
}

void gradient(Products& products, Workspace& work, cudaStream_t stream, int multiprocessors, const SigmoidLossGrad& op) {
  const int64_t n = op.image.rows, m = op.text.rows;
  PairTiles tiles(products, work, stream, multiprocessors, op);
  const Tensor d = tiles.type() == DType::f32 ? tiles.dots() : tiles.take(tiles.type());
  const Tensor sums = work.take(kSigmoidSums, tiles.blocks(n, m), DType::f32);
  const SigmoidGradients rule{op.logit_scale.as<const float>(), op.logit_bias.as<const float>(), op.loss_scale.as<const float>(),
                              op.weight};
  float* next = sums.as<float>();
  tiles.for_each_span(n, [&](Span i) {
    const Frame frame(work.arena());
    const Tensor image = apart(work, stream, op, tiles.features(op.image, i)), dimage = op.dimage.row_range(i.first, i.count);
    tiles.for_each_span(m, [&](Span j) {
      const Frame frame(work.arena());
      const Tensor text = tiles.features(op.text, j), dtext = op.dtext.row_range(j.first, j.count);
      const PairTile t = tiles.multiply(image, i, text, j);
      const Tensor part = d.row_range(0, i.count).col_range(0, j.count);
      if (work.live()) {
        const dim3 grid = pair_grid(i.count, j.count);
        const auto turn = [&]<class G>(void (*kernel)(PairTile, SigmoidGradients, G*, int64_t, SigmoidSums)) {
          launch(stream, {"pair_sigmoid", grid, kPairThreads}, kernel, t, rule, part.as<G>(), part.stride,
                 SigmoidSums{next, sums.cols});
        };
        if (part.dtype == DType::f32)
          turn(pair_sigmoid_kernel<float>);
        else
          turn(pair_sigmoid_kernel<bf16>);
        next += static_cast<int64_t>(grid.x) * grid.y;
      }
      products.multiply(work, stream, {.a = {part}, .b = {text}, .add = j.first > 0 ? dimage : Tensor{}, .c = dimage});
      products.multiply(work, stream, {.a = {part, true}, .b = {image}, .add = i.first > 0 ? dtext : Tensor{}, .c = dtext});
    });
  });
  if (!work.live()) return;
  add_sums(stream, sums.row_range(0, 1), op.dlogit_scale, op.accumulate);
  if (op.dlogit_bias) add_sums(stream, sums.row_range(1, 1), op.dlogit_bias, op.accumulate);
  if (op.loss) add_sums(stream, sums.row_range(2, 1), op.loss, false);
}

}  // namespace

void CudaBackend::execute(const SigmoidLoss& op) {
  Workspace work = Workspace::over(scratch_arena());
  value(*products_, work, stream(), multiprocessors(), op);
}
size_t CudaBackend::scratch(const SigmoidLoss& op) const {
  Workspace work = Workspace::measuring();
  value(*products_, work, stream(), multiprocessors(), op);
  return work.peak();
}

void CudaBackend::execute(const SigmoidLossGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  if (!sweep(work, stream(), {multiprocessors(), shared_memory()}, op)) gradient(*products_, work, stream(), multiprocessors(), op);
}
size_t CudaBackend::scratch(const SigmoidLossGrad& op) const {
  Workspace work = Workspace::measuring();
  if (!sweep(work, stream(), {multiprocessors(), shared_memory()}, op)) gradient(*products_, work, stream(), multiprocessors(), op);
  return work.peak();
}

}  // namespace cw
