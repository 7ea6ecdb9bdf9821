#include "ops/cuda/profile.h"

#include <algorithm>
#include <utility>

#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr size_t kRecords = 4096;  // some steps

}  // namespace

Profile::Span Profile::span(cudaStream_t stream, const char* name, std::string shape) {
  // Spans within others are products, a few an op: the records of an open span are never folded.
  if (records_.size() >= kRecords && shape.empty()) fold();
  if (spare_.empty()) spare_.push_back(std::make_unique<Record>(nullptr, "", make_timed_event(), make_timed_event()));
  std::unique_ptr<Record> record = std::move(spare_.back());
  spare_.pop_back();
  record->name = name;
  record->shape = std::move(shape);
  record->ended = false;
  CW_CUDA(cudaEventRecord(record->begin.get(), stream));
  records_.push_back(std::move(record));
  return {*records_.back(), stream};
}

Profile::Span::Span(Record& record, cudaStream_t stream)
    : record_(&record), stream_(stream), launches_(launches_of_thread) {}

Profile::Span::~Span() {
  if (!record_) return;
  record_->launches = launches_of_thread - launches_;
  record_->ended = cudaEventRecord(record_->end.get(), stream_) == cudaSuccess;
}

void Profile::fold() {
  for (auto& record : records_) {
    if (record->ended) {
      float ms = 0;
      waiter_.wait(record->end.get());
      CW_CUDA(cudaEventElapsedTime(&ms, record->begin.get(), record->end.get()));
      auto sum = std::find_if(sums_.begin(), sums_.end(),
                              [&](const OpTime& t) { return t.name == record->name && t.shape == record->shape; });
      if (sum == sums_.end()) sum = sums_.insert(sum, {.name = record->name, .shape = record->shape});
      ++sum->calls;
      sum->launches += record->launches;
      sum->ms += ms;
    }
    spare_.push_back(std::move(record));
  }
  records_.clear();
}

std::vector<OpTime> Profile::take() {
  fold();
  std::stable_sort(sums_.begin(), sums_.end(), [](const OpTime& a, const OpTime& b) { return a.ms > b.ms; });
  return std::exchange(sums_, {});
}

void Profile::abandon() {
  for (auto* records : {&records_, &spare_})
    for (const auto& record : *records) {
      record->begin.abandon();
      record->end.abandon();
    }
}

}  // namespace cw
