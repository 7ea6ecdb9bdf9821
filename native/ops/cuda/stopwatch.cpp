#include "ops/cuda/stopwatch.h"

#include <algorithm>

namespace cw {

void Stopwatch::begin(cudaStream_t stream) {
  running_.reset();  // one whose list failed
  auto free = std::find_if(all_.begin(), all_.end(), [](const auto& lap) { return lap.use_count() == 1; });
  if (free == all_.end()) free = all_.insert(free, std::make_shared<Lap>(Lap{make_timed_event(), make_timed_event()}));
  CW_CUDA(cudaEventRecord((*free)->begin.get(), stream));
  running_ = *free;
}

void Stopwatch::end(cudaStream_t stream) {
  CW_CUDA(cudaEventRecord(running_->end.get(), stream));
  ended_.push_back(std::exchange(running_, nullptr));
}

double Stopwatch::milliseconds(const Laps& laps) {
  double sum = 0;
  for (const auto& lap : laps) {
    float ms = 0;
    CW_CUDA(cudaEventElapsedTime(&ms, lap->begin.get(), lap->end.get()));
    sum += ms;
  }
  return sum;
}

void Stopwatch::abandon() {
  for (const auto& lap : all_) {
    lap->begin.abandon();
    lap->end.abandon();
  }
}

}  // namespace cw
