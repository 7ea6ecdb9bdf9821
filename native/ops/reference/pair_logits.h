// Logits of pairs one by one, for the losses over pairs.
#pragma once
#include <cmath>
#include <vector>

#include "ops/reference/matrix.h"

namespace cw {

/// A: an op with image, text, logit_scale, groups and row_offset. A left-out pair has no logit.
template <class A>
class PairLogits {
 public:
  explicit PairLogits(const A& a)
      : image_(a.image), text_(a.text), scale_(std::exp(Matrix(a.logit_scale)(0, 0))), row_offset_(a.row_offset) {
    if (a.groups) groups_ = indices(a.groups);
  }
  int64_t rows() const { return image_.rows; }
  int64_t cols() const { return text_.rows; }
  double scale() const { return scale_; }
  bool own(int64_t i, int64_t j) const { return row_offset_ + i == j; }
  bool left_out(int64_t i, int64_t j) const {
    return !groups_.empty() && !own(i, j) && groups_[row_offset_ + i] == groups_[j];
  }
  /// scale·image[i]·text[j]
  double operator()(int64_t i, int64_t j) const {
    double dot = 0;
    for (int64_t e = 0; e < image_.cols; ++e) dot += image_(i, e) * text_(j, e);
    return scale_ * dot;
  }
  const Matrix& image() const { return image_; }
  const Matrix& text() const { return text_; }

 private:
  Matrix image_, text_;
  double scale_;
  int64_t row_offset_;
  std::vector<int32_t> groups_;
};

}  // namespace cw
