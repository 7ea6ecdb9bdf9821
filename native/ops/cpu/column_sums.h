// Column sums of a matrix of any floating type.
#pragma once
#include "ops/workspace.h"

namespace cw {

/// y (+)= sums over chunks of rows, added up in the order of the rows whatever the number of threads.
void column_sums(Workspace& work, const Tensor& x, const Tensor& y, bool accumulate);

}  // namespace cw
