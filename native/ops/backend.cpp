#include "ops/backend.h"

#include <algorithm>
#include <utility>

#include "ops/meter.h"

namespace cw {
namespace {

class Arrived final : public Arrival {
 public:
  explicit Arrived(std::vector<float> values) : values_(std::move(values)) {}
  std::vector<float> wait() override { return std::move(values_); }

 private:
  std::vector<float> values_;
};

}  // namespace

Backend::Backend() = default;
Backend::~Backend() = default;

void Backend::profile(bool on) {
  meter_ = on ? std::make_unique<Meter>() : nullptr;
  count_into(meter_.get());
}

std::unique_ptr<Meter> Backend::take_counts() {
  auto counts = std::make_unique<Meter>();
  if (meter_) std::swap(*counts, *meter_);
  return counts;
}

std::vector<OpTime> Backend::op_times() {
  const auto counts = take_counts();
  std::vector<OpTime> times;
  for (const Meter::Sum& s : counts->sums())
    times.push_back({.name = s.name, .calls = s.calls, .ms = s.ms, .flops = s.cost.flops, .bytes = s.cost.bytes});
  std::stable_sort(times.begin(), times.end(), [](const OpTime& a, const OpTime& b) { return a.ms > b.ms; });
  return times;
}

std::unique_ptr<Arrival> Backend::fetch(const std::vector<Tensor>& from) {
  std::vector<float> values;
  for (const Tensor& t : from) {
    const size_t before = values.size();
    values.resize(before + static_cast<size_t>(t.count()));
    download(values.data() + before, t);
  }
  return std::make_unique<Arrived>(std::move(values));
}

}  // namespace cw
