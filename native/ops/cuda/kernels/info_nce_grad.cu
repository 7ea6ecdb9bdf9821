// info_nce_grad. 16-bit features go through sweeps where they fit (info_nce_sweep_grad.cu). Otherwise the products of a tile are made again and turned into gradients of single pairs (in f32 in their place, in
// bf16 beside them), which two more products bring to dimage and dtext: the tiles of a row or column are added in order.
#include "ops/cuda/backend.h"
#include "ops/cuda/kernels/pair_sweeps.h"
#include "ops/cuda/kernels/pair_tiles.h"

namespace cw {
namespace {

/// to[i,j] = scale·weight·(exp(logit - row_lse) + exp(logit - col_lse) - 2·[true pair]), zero for pairs left out.
/// sums[block] = Σ of these times their products: the block's part of dlogit_scale.
template <class G>
__global__ void __launch_bounds__(kPairThreads)
    pair_gradient_kernel(PairTile t, const float* row_lse, const float* col_lse, float weight, const float* loss_scale, G* to,
                         int64_t stride, float* sums) {
  const PairPlace place;
  const float scale = expf(*t.logit_scale);
  const float factor = scale * weight * (loss_scale ? loss_scale[static_cast<int>(LossScale::value)] : 1.0f);
  float col_lses[kLaneCols];
#pragma unroll
  for (int k = 0; k < kLaneCols; ++k) col_lses[k] = place.col(k) < t.cols ? col_lse[place.col(k)] : 0.0f;
  float sum = 0;
#pragma unroll 2
  for (int r = 0; r < kRowsOfWarp; ++r) {
    const int row = place.row(r);
    if (row >= t.rows) break;
    const float lse = row_lse[row];
    float dots[kLaneCols];
    load_dots(t, place, row, dots);
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      GradPack<G> pack;
#pragma unroll
      for (int k = 0; k < kPack; ++k) {
        const int at = p * kPack + k, col = place.col(at);
        float d = 0;
        if (counts(t, row, col)) {
          const float logit = scale * dots[at];
          d = expf(logit - lse) + expf(logit - col_lses[at]) - (t.diagonal + row == col ? 2.0f : 0.0f);
          sum = fmaf(d, dots[at], sum);
        }
        pack.v[k] = from_float<G>(factor * d);
      }
      if (place.col(p * kPack) < t.cols) *reinterpret_cast<GradPack<G>*>(to + row * stride + place.col(p * kPack)) = pack;
    }
  }
  sum = reduce_block(factor * sum);
  if (threadIdx.x == 0) sums[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

void gradient(Products& products, Workspace& work, cudaStream_t stream, int multiprocessors, const InfoNceGrad& op) {
  const int64_t n = op.image.rows, m = op.text.rows;
  PairTiles tiles(products, work, stream, multiprocessors, op);
  const Tensor d = tiles.type() == DType::f32 ? tiles.dots() : tiles.take(tiles.type());
  const Tensor sums = work.take(1, tiles.blocks(n, m), DType::f32);
  float* next_sums = sums.as<float>();
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
        const auto turn = [&]<class G>(void (*kernel)(PairTile, const float*, const float*, float, const float*, G*, int64_t, float*)) {
          launch(stream, {"pair_gradient", grid, kPairThreads}, kernel, t, op.row_lse.as<float>() + i.first,
                 op.col_lse.as<float>() + j.first, op.weight, op.loss_scale.as<float>(), part.as<G>(), part.stride, next_sums);
        };
        if (part.dtype == DType::f32)
          turn(pair_gradient_kernel<float>);
        else
          turn(pair_gradient_kernel<bf16>);
        next_sums += static_cast<int64_t>(grid.x) * grid.y;
      }
      products.multiply(work, stream, {.a = {part}, .b = {text}, .add = j.first > 0 ? dimage : Tensor{}, .c = dimage});
      products.multiply(work, stream, {.a = {part, true}, .b = {image}, .add = i.first > 0 ? dtext : Tensor{}, .c = dtext});
    });
  });
  if (work.live()) add_sums(stream, sums, op.dlogit_scale, op.accumulate);
}

}  // namespace

void CudaBackend::execute(const InfoNceGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  if (!sweep(work, stream(), {multiprocessors(), shared_memory()}, op)) gradient(*products_, work, stream(), multiprocessors(), op);
}
size_t CudaBackend::scratch(const InfoNceGrad& op) const {
  Workspace work = Workspace::measuring();
  if (!sweep(work, stream(), {multiprocessors(), shared_memory()}, op)) gradient(*products_, work, stream(), multiprocessors(), op);
  return work.peak();
}

}  // namespace cw
