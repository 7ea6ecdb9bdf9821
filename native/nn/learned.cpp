#include "nn/learned.h"

namespace cw {
namespace {

/// Where a parameter without memory gets it, in floats from a block's beginning.
struct Place {
  size_t parameter;
  int64_t at;
};

template <class Has, class Wants>
std::vector<Place> places(const Parameters& parameters, const Has& has, const Wants& wants, int64_t& elements) {
  std::vector<Place> all;
  const auto aligned = [](int64_t n) { return (n + Parameters::kAlignment - 1) / Parameters::kAlignment * Parameters::kAlignment; };
  const Parameter* joined = nullptr;  // whose parts are being placed, from `begin` on
  int64_t begin = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    if (has(i) || !wants(i)) continue;
    if (!p.joined || p.joined != joined) {
      begin = elements;
      elements += aligned(p.joined ? p.joined->count() : p.count());
    }
    joined = p.joined;
    all.push_back({i, begin + (p.joined ? p.offset - p.joined->offset : 0)});
  }
  return all;
}

bool learns_or_beside(const Parameter& p) { return p.trainable || (p.joined && p.joined->trainable); }

}  // namespace

std::vector<size_t> Learned::cover(const Parameters& parameters, std::optional<size_t> also) {
  at_.resize(parameters.size());
  const Parameter* const also_joined = also ? parameters[*also].joined : nullptr;
  int64_t elements = 0;
  const auto all = places(
      parameters, [&](size_t i) { return at_[i] != nullptr; },
      [&](size_t i) {
        return learns_or_beside(parameters[i]) || i == also || (also_joined && parameters[i].joined == also_joined);
      },
      elements);
  std::vector<size_t> covered;
  if (all.empty()) return covered;
  blocks_.push_back(backend_.allocate(static_cast<size_t>(elements) * sizeof(float)));
  for (const Place& place : all) {
    at_[place.parameter] = static_cast<float*>(blocks_.back()->data()) + place.at;
    covered.push_back(place.parameter);
  }
  return covered;
}

void Learned::clear() {
  at_.clear();
  blocks_.clear();
}

Tensor Learned::of(const Parameters& parameters, size_t i) const {
  if (i >= at_.size() || !at_[i]) return {};
  const Tensor& master = parameters[i].weight.master;
  return Tensor::of(at_[i], DType::f32, master.rows, master.cols);
}

std::vector<Tensor> Learned::rows() const {
  std::vector<Tensor> all;
  for (const auto& block : blocks_)
    all.push_back(Tensor::of(block->data(), DType::f32, 1, static_cast<int64_t>(block->bytes() / sizeof(float))));
  return all;
}

size_t Learned::bytes(const Parameters& parameters) {
  int64_t elements = 0;
  places(parameters, [](size_t) { return false; }, [&](size_t i) { return learns_or_beside(parameters[i]); }, elements);
  return static_cast<size_t>(elements) * sizeof(float);
}

}  // namespace cw
