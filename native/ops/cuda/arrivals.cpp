#include "ops/cuda/arrivals.h"

#include <algorithm>

#include "core/error.h"
#include "ops/backend.h"

namespace cw {

std::shared_ptr<const Arrivals::Place> Arrivals::begin(const std::vector<Tensor>& from, cudaStream_t stream) {
  auto place = std::find_if(places_.begin(), places_.end(), [](const auto& p) { return p.use_count() == 1; });
  if (place == places_.end())
    place = places_.insert(place, std::make_shared<Place>(make_pinned(Backend::kFetched * sizeof(float)), make_event()));
  auto* to = static_cast<float*>((*place)->host.get());
  size_t& count = (*place)->count;
  count = 0;
  for (const Tensor& t : from) {
    const auto values = static_cast<size_t>(t.count());
    if (t.dtype != DType::f32 || t.rows != 1 || count + values > Backend::kFetched)
      throw Error(Code::device, "[cuda] fetch was given more than a few rows of f32, which is a bug");
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
