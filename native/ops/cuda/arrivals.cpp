#include "ops/cuda/arrivals.h"

#include <algorithm>

#include "core/error.h"
#include "ops/backend.h"

namespace cw {

std::shared_ptr<const Arrivals::Place> Arrivals::begin(const std::vector<Tensor>& from, cudaStream_t stream) {
  size_t needed = 0;
  for (const Tensor& t : from) needed += static_cast<size_t>(t.count());
  auto place =
      std::find_if(places_.begin(), places_.end(), [&](const auto& p) { return p.use_count() == 1 && p->room >= needed; });
  if (place == places_.end()) {
    const size_t room = std::max(needed, Backend::kFetched);
    place = places_.insert(place, std::make_shared<Place>(make_pinned(room * sizeof(float)), make_event(), room));
  }
  auto* to = static_cast<float*>((*place)->host.get());
  size_t& count = (*place)->count;
  count = 0;
  for (const Tensor& t : from) {
    const auto values = static_cast<size_t>(t.count());
    if (t.dtype != DType::f32 || t.rows != 1)
      throw Error(Code::device, "[cuda] fetch was given something else than rows of f32, which is a bug");
    CW_CUDA(cudaMemcpyAsync(to + count, t.data, values * sizeof(float), cudaMemcpyDeviceToHost, stream));
    count += values;
  }
  CW_CUDA(cudaEventRecord((*place)->arrived.get(), stream));
  return *place;
}

void Arrivals::abandon() {
  for (const auto& place : places_) {
    place->host.abandon();
    place->arrived.abandon();
  }
}

}  // namespace cw
