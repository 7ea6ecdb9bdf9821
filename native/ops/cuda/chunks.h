// Segments of parameters cut into chunks, so that one launch goes over all of them, however many segments they lie in.
#pragma once
#include "ops/cuda/runtime.h"
#include "ops/optimizer.h"
#include "ops/workspace.h"

namespace cw {

/// Chunks of all segments together: a block each.
int64_t chunks_of(const Segments& all);

/// Memory for where each segment's chunks begin, and filling it, of segments on the device.
Tensor take_starts(Workspace& work, const Segments& segments);
void put_starts(cudaStream_t stream, const Segment* segments, int64_t count, const Tensor& starts);

}  // namespace cw
