// A stack of blocks whose last one computes only the rows that are pooled: exact, since nothing reads the others.
#pragma once
#include <string>
#include <vector>

#include "nn/block.h"
#include "nn/post_norm_block.h"

namespace cw {

template <class B>
class Stack {
 public:
  /// Blocks are prefix.0, prefix.1 ...
  Stack(Parameters& parameters, const std::string& prefix, const BlockConfig& config, int64_t layers,
        const BlockInit& init);

  struct Saved {
    std::vector<typename B::Saved> blocks;
    std::vector<Tensor> inputs;  // x of each block
  };

  /// y [R,D] of x [T,D] at the rows of `subset` (all rows when it is empty). Tensors kept for backward stay in the arena.
  void forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, Saved& s) const;
  /// dx [T,D] of dy [R,D].
  void backward(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s, Tensor dy, Tensor dx) const;

 private:
  void infer(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y) const;
  bool last(size_t i) const { return i + 1 == blocks_.size(); }

  std::vector<B> blocks_;
};

using Transformer = Stack<Block>;          // CLIP's
using BertEncoder = Stack<PostNormBlock>;  // BERT's

}  // namespace cw
