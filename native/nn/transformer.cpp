#include "nn/transformer.h"

namespace cw {
namespace {

/// Whether a block's last sum has a bias, whose gradient is the column sums of what the block after it gives back.
template <class B>
constexpr bool kSumsBetween = requires(const B& block) { block.dy_sum(); };

}  // namespace

template <class B>
Stack<B>::Stack(Parameters& parameters, const std::string& prefix, const BlockConfig& config, int64_t layers,
                const BlockInit& init) {
  blocks_.reserve(static_cast<size_t>(layers));
  BlockConfig own = config;
  for (own.layer = 0; own.layer < layers; ++own.layer)
    blocks_.emplace_back(parameters, prefix + "." + std::to_string(own.layer), own, init);
}

template <class B>
void Stack<B>::forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y,
                       Saved& s, bool below) const {
  if (!c.training) return infer(c, seq, subset, x, y, blocks_.size());
  s.blocks.resize(blocks_.size());
  s.first = 0, s.below = below;
  if (!below)
    while (s.first < blocks_.size() && !blocks_[s.first].learns()) ++s.first;
  if (s.first > 0) {
    const Tensor out = s.first == blocks_.size() ? y : c.take(x.rows, x.cols);
    Context still = c;
    still.training = false;
    const Frame frame(c.arena);
    infer(still, seq, subset, x, out, s.first);
    x = out;
  }
  for (size_t i = s.first; i < blocks_.size(); ++i) {
    const Tensor out = last(i) ? y : c.take(x.rows, x.cols);
    blocks_[i].forward(c, seq, last(i) ? subset : RowSubset{}, x, out, s.blocks[i]);
    x = out;
  }
}

template <class B>
void Stack<B>::infer(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, size_t end) const {
  const Tensor spare[2] = {c.take(x.rows, x.cols), c.take(x.rows, x.cols)};
  for (size_t i = 0; i < end; ++i) {
    const Tensor out = i + 1 == end ? y : spare[i % 2];
    const Frame frame(c.arena);
    typename B::Saved unused;
    blocks_[i].forward(c, seq, last(i) ? subset : RowSubset{}, x, out, unused);
    x = out;
  }
}

template <class B>
void Stack<B>::backward(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s, Tensor dy,
                           Tensor dx) const {
  if (!reached(s)) return;
  const Frame frame(c.arena);
  const Tensor spare[2] = {c.take(dx.rows, dx.cols), c.take(dx.rows, dx.cols)};
  if constexpr (kSumsBetween<B>) sum_columns(c, dy, blocks_.back().dy_sum());
  for (size_t i = blocks_.size(); i-- > s.first;) {
    const RowSubset rows = last(i) ? subset : RowSubset{};
    const Tensor out = i > s.first ? spare[i % 2] : s.below ? dx : Tensor{};
    const Frame block(c.arena);
    if constexpr (kSumsBetween<B>)
      blocks_[i].backward(c, seq, rows, s.blocks[i], dy, out, i > s.first ? blocks_[i - 1].dy_sum() : Tensor{});
    else
      blocks_[i].backward(c, seq, rows, s.blocks[i], dy, out);
    dy = out;
  }
}

template class Stack<Block>;
template class Stack<PostNormBlock>;

}  // namespace cw
