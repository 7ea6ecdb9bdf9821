// distill_grad in tiles of a student's and a teacher's products of the same pairs (pair_tiles.h).
#include <cstring>

#include "ops/cpu/backend.h"
#include "ops/cpu/pair_tiles.h"

namespace cw {
namespace {

/// What PairTiles asks of an op.
struct Pairs {
  Tensor image, text, logit_scale, groups;
  int64_t row_offset;
};

void gradient(OneDnn& onednn, Workspace& work, const DistillGrad& op) {
  const int64_t n = op.image.rows, m = op.text.rows;
  const Pairs of_student{op.image, op.text, op.logit_scale, {}, op.row_offset};
  const Pairs of_teacher{op.teacher_image, op.teacher_text, op.teacher_scale, {}, op.row_offset};
  PairTiles student(onednn, work, of_student), teacher(onednn, work, of_teacher);
  const Tensor dots = student.dots();
  TiledGradient gradients(student, work, op);
  float* const row_dots = work.take(1, dots.rows, DType::f32).as<float>();
  float* const block_cross = work.take((dots.rows + kPairRows - 1) / kPairRows, dots.cols, DType::f32).as<float>();
  const float by = gradients.loss_scale();
  if (work.live()) std::memset(op.half_cross.data, 0, op.half_cross.bytes());
  double dlogit_scale = 0;
  for_each_span(n, kPairCols, [&](Span i) {
    const Frame frame(work.arena());
    const PairImages images = student.images(i, true), teacher_images = teacher.images(i);
    for_each_span(m, kTileRows, [&](Span j) {
      const auto from = [](const Tensor& t, Span s) { return t.as<float>() + s.first; };
      const DistillTile tile{student.multiply(images, j), from(op.col_lse, j), from(op.row_lse, i)};
      const DistillTile taught{teacher.multiply(teacher_images, j), from(op.teacher_col_lse, j), from(op.teacher_row_lse, i)};
      const Tensor part = gradients.part(images, j);
      if (work.live()) {
        kernels().pair_distill(tile, taught,
                               {.data = part.data,
                                .stride = part.stride,
                                .bf16 = gradients.bf16(),
                                .pairs = by * op.pair_weight,
                                .distil = by * op.weight,
                                .row_dots = row_dots,
                                .half_cross = from(op.half_cross, i),
                                .block_cross = block_cross});
        for (int64_t r = 0; r < j.count; ++r) dlogit_scale += row_dots[r];
      }
      gradients.add(part, images, j);
    });
  });
  if (!work.live()) return;
  float& sum = *op.dlogit_scale.as<float>();
  sum = static_cast<float>(dlogit_scale) + (op.accumulate ? sum : 0);
}

}  // namespace

void CpuBackend::run(const DistillGrad& op) {
  Workspace work = Workspace::over(scratch_arena());
  gradient(*onednn_, work, op);
}

size_t CpuBackend::scratch(const DistillGrad& op) const {
  Workspace work = Workspace::measuring();
  gradient(*onednn_, work, op);
  return work.peak();
}

}  // namespace cw
