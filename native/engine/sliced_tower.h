// One tower in a batch that goes through in slices: features of all of them, then gradients, for which each slice is computed
// again, but for the last one where that was kept.
#pragma once
#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "nn/context.h"
#include "ops/backend.h"

namespace cw {

/// Tower: VisionTower or TextTower, Input: what its forward pass takes.
template <class Tower, class Input>
class SlicedTower {
 public:
  /// Samples first .. first+count of the batch, in the arena.
  using Read = std::function<Input(int64_t first, int64_t count)>;

  /// @param backend null while memory is measured
  SlicedTower(Context& context, Backend* backend, const Tower& tower, typename Tower::Saved& saved, int64_t all, int64_t size,
              Read read)
      : c_(context), backend_(backend), tower_(tower), saved_(saved), all_(all), size_(size), read_(std::move(read)) {}

  /// features [all, E]. keeps: what the last slice's gradients need stays in the arena until `learn`.
  void encode(const Tensor& features, bool keeps) {
    for (int64_t first = 0; first < all_; first += size_) {
      mark_ = c_.arena.used();
      send();
      c_.training = keeps && first == last();
      const Input input = read_(first, count(first));
      tower_.forward(c_, input, features.row_range(first, count(first)), saved_);
      if (c_.training)
        kept_ = input;
      else
        c_.arena.release_to(mark_);
    }
  }

  /// From dfeatures [all, E]; gradients of parameters are added to after the first slice. What was kept must be the last that
  /// was taken in the arena.
  void learn(const Tensor& dfeatures) {
    c_.training = true;
    if (kept_) {
      send();
      backward(*kept_, dfeatures, last());
      c_.arena.release_to(mark_);
    }
    for (int64_t first = 0; first < (kept_ ? last() : all_); first += size_) {
      const Frame frame(c_.arena);
      send();
      const Input input = read_(first, count(first));
      tower_.forward(c_, input, c_.take_f32(count(first), dfeatures.cols), saved_);
      backward(input, dfeatures, first);
    }
    kept_.reset();
  }

 private:
  int64_t last() const { return (all_ - 1) / size_ * size_; }
  int64_t count(int64_t first) const { return std::min(size_, all_ - first); }

  /// Each slice by itself: as one, the whole step would be another whenever one slice's captions have another length, and hardly
  /// ever be a list that the device knows. The last is sent with what follows.
  void send() {
    if (backend_) backend_->flush();
  }

  void backward(const Input& input, const Tensor& dfeatures, int64_t first) {
    tower_.backward(c_, input, saved_, dfeatures.row_range(first, count(first)));
    c_.accumulate = true;
  }

  Context& c_;
  Backend* const backend_;
  const Tower& tower_;
  typename Tower::Saved& saved_;
  const int64_t all_, size_;
  const Read read_;
  std::optional<Input> kept_;
  size_t mark_ = 0;  // where the last slice begins in the arena
};

}  // namespace cw
