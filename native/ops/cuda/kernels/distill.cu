// distill_grad: products of a student's and of a teacher's features come in tiles of the same pairs, a kernel turns both into
// gradients of single pairs, which two more products bring to dimage and dtext: the tiles of a row or column are added in order.
#include "ops/cuda/backend.h"
#include "ops/cuda/kernels/pair_sweeps.h"
#include "ops/cuda/kernels/pair_tiles.h"

namespace cw {
namespace {

constexpr int kMergeThreads = 128;

/// Of the same pairs as a student's tile.
struct TeacherTile {
  PairTile products;  // its logit_scale is the teacher's
  const float *row_lse, *col_lse;
};

struct DistillWeights {
  float pairs, distil;
  const float* loss_scale;
};

/// to[i,j] = scale·g of ops/distill.h. sums[block] = Σ of these times their products: the block's part of dlogit_scale.
/// cross[blockIdx.x, row] = Σ of the teacher's probabilities times the student's logits over the block's columns.
template <class G>
__global__ void __launch_bounds__(kPairThreads)
    distill_gradient_kernel(PairTile t, const float* row_lse, const float* col_lse, TeacherTile teacher, DistillWeights weights,
                            G* to, int64_t stride, float* cross, int64_t cross_stride, float* sums) {
  const PairPlace place;
  const float scale = expf(*t.logit_scale), teacher_scale = expf(*teacher.products.logit_scale);
  const float factor = scale * (weights.loss_scale ? weights.loss_scale[static_cast<int>(LossScale::value)] : 1.0f);
  const float pairs = factor * weights.pairs, distil = factor * weights.distil, both = pairs + distil;
  float sum = 0;
#pragma unroll 1
  for (int r = 0; r < kRowsOfWarp; ++r) {
    const int row = place.row(r);
    if (row >= t.rows) break;
    const float lse = row_lse[row], teacher_lse = teacher.row_lse[row];
    float dots[kLaneCols], taught[kLaneCols], of_row = 0;
    load_dots(t, place, row, dots);
    load_dots(teacher.products, place, row, taught);
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      GradPack<G> pack;
#pragma unroll
      for (int k = 0; k < kPack; ++k) {
        const int at = p * kPack + k, col = place.col(at);
        float d = 0;
        if (col < t.cols) {
          const float logit = scale * dots[at], target = teacher_scale * taught[at];
          const float wanted = expf(target - teacher_lse) + expf(target - teacher.col_lse[col]);
          d = both * (expf(logit - lse) + expf(logit - col_lse[col])) - distil * wanted;
          if (t.diagonal + row == col) d -= 2 * pairs;
          sum = fmaf(d, dots[at], sum);
          of_row = fmaf(wanted, logit, of_row);
        }
        pack.v[k] = from_float<G>(d);
      }
      if (place.col(p * kPack) < t.cols) *reinterpret_cast<GradPack<G>*>(to + row * stride + place.col(p * kPack)) = pack;
    }
    of_row = reduce_warp(of_row);
    if (place.lane == 0) cross[blockIdx.x * cross_stride + row] = of_row;
  }
  sum = reduce_block(sum);
  if (threadIdx.x == 0) sums[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

/// half_cross (+)= ½·Σ over blocks.
__global__ void merge_cross_kernel(const float* cross, int64_t stride, int parts, int64_t count, float* half_cross, bool first) {
  const int64_t i = first_thread();
  if (i >= count) return;
  float sum = 0;
  for (int p = 0; p < parts; ++p) sum += cross[p * stride + i];
  half_cross[i] = (first ? 0.0f : half_cross[i]) + 0.5f * sum;
}

/// What PairTiles asks of an op.
struct Pairs {
  Tensor image, text, logit_scale, groups;
  int64_t row_offset;
};

void gradient(Products& products, Workspace& work, cudaStream_t stream, int multiprocessors, const DistillGrad& op) {
  const int64_t n = op.image.rows, m = op.text.rows;
  const Pairs student{op.image, op.text, op.logit_scale, {}, op.row_offset};
  PairTiles tiles(products, work, stream, multiprocessors, student);
  const Tensor tile = tiles.dots(), taught = tiles.take(DType::f32);
  const Tensor d = tiles.type() == DType::f32 ? tile : tiles.take(tiles.type());
  const Tensor cross = work.take(ceil_div(tile.cols, kBlockCols), tile.rows, DType::f32);
  const Tensor sums = work.take(1, tiles.blocks(n, m), DType::f32);
  float* next_sums = sums.as<float>();
  tiles.for_each_span(n, [&](Span i) {
    const Frame frame(work.arena());
    const Tensor image = apart(work, stream, op, tiles.features(op.image, i));
    const Tensor teacher_image = tiles.features(op.teacher_image, i), dimage = op.dimage.row_range(i.first, i.count);
    tiles.for_each_span(m, [&](Span j) {
      const Frame frame(work.arena());
      const Tensor text = tiles.features(op.text, j), teacher_text = tiles.features(op.teacher_text, j);
      const Tensor dtext = op.dtext.row_range(j.first, j.count);
      const auto part_of = [&](const Tensor& whole) { return whole.row_range(0, i.count).col_range(0, j.count); };
      const PairTile t = tiles.multiply(image, i, text, j);
      const Tensor of_teacher = part_of(taught), part = part_of(d);
      products.multiply(work, stream, {.a = {teacher_image}, .b = {teacher_text, true}, .c = of_teacher});
      if (work.live()) {
        TeacherTile teacher{t, op.teacher_row_lse.as<float>() + i.first, op.teacher_col_lse.as<float>() + j.first};
        teacher.products.dots = of_teacher.as<float>();
        teacher.products.stride = of_teacher.stride;
        teacher.products.logit_scale = op.teacher_scale.as<float>();
        const dim3 grid = pair_grid(i.count, j.count);
        const auto turn = [&]<class G>(std::type_identity<G>) {
          launch(stream, {"distill_gradient", grid, kPairThreads}, distill_gradient_kernel<G>, t, op.row_lse.as<float>() + i.first,
                 op.col_lse.as<float>() + j.first, teacher,
                 DistillWeights{op.pair_weight, op.weight, op.loss_scale.as<float>()}, part.as<G>(), part.stride,
                 cross.as<float>(), cross.stride, next_sums);
        };
        part.dtype == DType::f32 ? turn(std::type_identity<float>{}) : turn(std::type_identity<bf16>{});
        launch(stream, {"merge_cross", blocks_for(i.count, kMergeThreads), kMergeThreads}, merge_cross_kernel, cross.as<float>(),
               cross.stride, static_cast<int>(grid.x), i.count, op.half_cross.as<float>() + i.first, j.first == 0);
        next_sums += static_cast<int64_t>(grid.x) * grid.y;
      }
      products.multiply(work, stream, {.a = {part}, .b = {text}, .add = j.first > 0 ? dimage : Tensor{}, .c = dimage});
      products.multiply(work, stream, {.a = {part, true}, .b = {image}, .add = i.first > 0 ? dtext : Tensor{}, .c = dtext});
    });
  });
  if (work.live()) add_sums(stream, sums, op.dlogit_scale, op.accumulate);
}

}  // namespace

void CudaBackend::execute(const DistillGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  gradient(*products_, work, stream(), multiprocessors(), op);
}
size_t CudaBackend::scratch(const DistillGrad& op) const {
  Workspace work = Workspace::measuring();
  gradient(*products_, work, stream(), multiprocessors(), op);
  return work.peak();
}

}  // namespace cw
