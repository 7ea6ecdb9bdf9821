#include "ops/reference/backend.h"

namespace cw {

void ReferenceBackend::run(const AllGather& a) {
  collectives().all_gather(a.x.data, a.y.data, a.y.rows, static_cast<size_t>(a.y.cols) * size_of(a.y.dtype));
}

void ReferenceBackend::run(const ReduceScatter& a) {
  collectives().reduce_scatter(a.x.as<float>(), a.y.as<float>(), a.x.rows, a.x.cols);
}

void ReferenceBackend::run(const AllReduce& a) { collectives().all_reduce(a.x.as<float>(), a.x.cols); }

void ReferenceBackend::run(const MergeLse& a) { collectives().merge_lse(a.x.as<float>(), a.x.cols); }

void ReferenceBackend::run(const Broadcast& a) { collectives().broadcast(a.x.as<float>(), a.x.cols); }

}  // namespace cw
