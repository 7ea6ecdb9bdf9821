#include "ops/linear.h"

namespace cw {

int64_t WeightView::out_features() const {
  if (count >= 0) return count;
  return weight->input_major ? weight->master.cols : weight->master.rows - first;
}

int64_t WeightView::in_features() const { return weight->input_major ? weight->master.rows : weight->master.cols; }

}  // namespace cw
