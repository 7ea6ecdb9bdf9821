// What training asks of a loss over pairs of features, whichever kind it is. n pairs, E embed_dim. To add one: write its
// file, and its row in pair_loss.cpp.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "core/arena.h"
#include "ops/ops.h"

namespace cw {

/// What a teacher makes of the same pairs.
struct TeacherFeatures {
  Tensor image, text;  // f32 [n,F], normalised
  Tensor logit_scale;  // f32 [1,1], the logarithm
  explicit operator bool() const { return static_cast<bool>(image); }
};

/// The features of both towers and what the loss wants of them.
struct PairFeatures {
  Tensor image, text;           // f32 [n,E], not normalised; kept as they are
  Tensor dimage, dtext;         // f32 [n,E], written; both empty: value only
  Tensor loss;                  // f32 [1,1], written
  Tensor loss_scale;            // f32 [1, LossScale::count], optional: what all gradients are multiplied by
  Tensor groups;                // i32 [1, pairs of all ranks], optional: pairs of one group leave each other out
  int64_t total = 0;            // pairs of all ranks together, whose negatives count; 0: those here are all there are
  DType products = DType::f32;  // what normalised features are rounded to before one is multiplied with another
  TeacherFeatures teacher{};    // optional
  Tensor statistics{};          // f32 [1, 3n], optional, written: PairStatistics
};

/// Of each of n pairs, one after another: the log-sum-exp of its picture's logits with all captions, of its caption's with all
/// pictures, and its own logit. What is left of either without the last is a cross-entropy: how well others fit.
enum class PairStatistics : int { row_lse, col_lse, own, count };

/// The parameters that the loss reads, and their gradients, which are needed with dimage.
struct PairParameters {
  Tensor logit_scale, dlogit_scale;  // f32 [1,1]
  Tensor logit_bias, dlogit_bias;    // f32 [1,1]; empty where the model has none
  bool accumulate = false;           // the gradients hold something: add to it
};

/// Keeps them where they are wanted; col_lse: of all ranks' pairs, this rank's from first on.
void keep_statistics(Ops& ops, const PairFeatures& f, const Tensor& row_lse, const Tensor& col_lse, const Tensor& own, int64_t first);

class PairLoss {
 public:
  virtual ~PairLoss() = default;
  /// The value, and the gradients where they are wanted. With a total, the loss is that of all ranks' pairs on each of them;
  /// dimage and dtext are whole, and dlogit_scale is this rank's part of a sum over them.
  virtual void run(Ops& ops, Arena& arena, const PairFeatures& features, const PairParameters& parameters) const = 0;
};

/// A kind by its name, and that kind's own options, which are words.
struct PairLossSpec {
  std::string kind;
  std::map<std::string, std::string> options;

  /// Throws invalid_argument when it is not there.
  const std::string& option(const std::string& name) const;
};

/// Throws invalid_argument naming the option, "loss.kind: …".
std::unique_ptr<PairLoss> make_pair_loss(const PairLossSpec& spec);

}  // namespace cw
