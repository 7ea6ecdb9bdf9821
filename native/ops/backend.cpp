#include "ops/backend.h"

#include <algorithm>
#include <utility>

#include "ops/meter.h"

namespace cw {
namespace {

constexpr int64_t kPiece = 1 << 18;  // elements on their way to a device

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

bool Backend::upload_from(const Tensor& to, const Source& from) {
  std::vector<float> piece(static_cast<size_t>(std::min(kPiece, to.count())));
  for (int64_t first = 0; first < to.count(); first += kPiece) {
    const int64_t count = std::min(kPiece, to.count() - first);
    if (!from(piece.data(), first, count)) return false;
    upload(Tensor::of(to.as<float>() + first, DType::f32, 1, count), piece.data());
  }
  return true;
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
