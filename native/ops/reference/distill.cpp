#include <cmath>

#include "ops/reference/backend.h"
#include "ops/reference/matrix.h"

namespace cw {
namespace {

double dot(const Matrix& a, int64_t i, const Matrix& b, int64_t j) {
  double sum = 0;
  for (int64_t e = 0; e < a.cols; ++e) sum += a(i, e) * b(j, e);
  return sum;
}

}  // namespace

void ReferenceBackend::run(const DistillGrad& a) {
  const Matrix image(a.image), text(a.text), row_lse(a.row_lse), col_lse(a.col_lse);
  const Matrix teacher_image(a.teacher_image), teacher_text(a.teacher_text);
  const Matrix teacher_row_lse(a.teacher_row_lse), teacher_col_lse(a.teacher_col_lse);
  const double scale = std::exp(Matrix(a.logit_scale)(0, 0)), teacher_scale = std::exp(Matrix(a.teacher_scale)(0, 0));
  const double by = a.loss_scale ? Matrix(a.loss_scale)(0, 0) : 1;
  const double pairs = by * a.pair_weight, distil = by * a.weight;
  Matrix dimage(image.rows, image.cols), dtext(text.rows, text.cols), dscale(1, 1), half_cross(1, image.rows);
  for (int64_t i = 0; i < image.rows; ++i)
    for (int64_t j = 0; j < text.rows; ++j) {
      const double s = scale * dot(image, i, text, j), t = teacher_scale * dot(teacher_image, i, teacher_text, j);
      const double p = std::exp(t - teacher_row_lse(0, i)) + std::exp(t - teacher_col_lse(0, j));
      const double g = (pairs + distil) * (std::exp(s - row_lse(0, i)) + std::exp(s - col_lse(0, j))) - distil * p -
                       (a.row_offset + i == j ? 2 * pairs : 0);
      half_cross(0, i) += 0.5 * p * s;
      dscale(0, 0) += g * s;
      for (int64_t e = 0; e < image.cols; ++e) {
        dimage(i, e) += g * scale * text(j, e);
        dtext(j, e) += g * scale * image(i, e);
      }
    }
  dimage.store(a.dimage);
  dtext.store(a.dtext);
  dscale.store(a.dlogit_scale, a.accumulate);
  half_cross.store(a.half_cross);
}

}  // namespace cw
