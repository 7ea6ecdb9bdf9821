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
    size_t first = 0;            // block that backward reaches: nothing below it learns
    bool below = true;           // whether what made x learns
  };

  /// y [R,D] of x [T,D] at the rows of `subset` (all rows when it is empty). Tensors kept for backward stay in the arena.
  /// below: whether anything that made x learns; otherwise nothing is kept of the blocks under the first that does.
  void forward(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, Saved& s,
               bool below = true) const;
  /// dx [T,D] of dy [R,D]; without `below` in forward dx is not that of x, but left as it comes.
  void backward(const Context& c, const Sequences& seq, const RowSubset& subset, Saved& s, Tensor dy, Tensor dx) const;

  /// Whether backward has anything to do.
  bool reached(const Saved& s) const { return s.first < blocks_.size(); }

 private:
  /// The blocks before `end`, of which nothing is kept.
  void infer(const Context& c, const Sequences& seq, const RowSubset& subset, Tensor x, Tensor y, size_t end) const;
  bool last(size_t i) const { return i + 1 == blocks_.size(); }

  std::vector<B> blocks_;
};

using Transformer = Stack<Block>;          // CLIP's
using BertEncoder = Stack<PostNormBlock>;  // BERT's

}  // namespace cw
