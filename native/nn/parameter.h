// Parameters: where they live and how they begin.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "ops/ops.h"

namespace cw {

/// How a parameter begins: normal(0, scale), uniform(-scale, scale), the constant `scale`, or as waves over a square of
/// patches (nn/sin_cos.h).
struct Init {
  enum class Kind : uint8_t { normal, uniform, constant, sin_cos } kind = Kind::constant;
  float scale = 0;

  static Init normal(float std) { return {Kind::normal, std}; }
  static Init uniform(float bound) { return {Kind::uniform, bound}; }
  static Init constant(float value) { return {Kind::constant, value}; }
};

struct Parameter;

/// A low-rank change of a weight: products read W + scale·B·A (engine/adapters.h). W's own gradient is not kept.
struct Adapter {
  Parameter* a = nullptr;  // [r,I]
  Parameter* b = nullptr;  // [rows,r]
  Weight scale;            // f32 [r,r], the factor on its diagonal
  int64_t first = 0, rows = 0;  // of the weight that it changes
};

struct Parameter {
  std::string name;
  std::vector<int64_t> shape;
  Init init;
  int64_t offset = 0;  // in elements, the same in values and compute copies
  Weight weight;       // master [rows, cols]: the first dimension by all others; one row for vectors and scalars
  Tensor grad;         // f32, as master; empty where nothing learns
  bool trainable = true;       // of a joined one: whether any of its parts is
  Parameter* joined = nullptr; // the one that this is a part of
  std::vector<Adapter> adapters{};  // of a joined one: its parts'

  int64_t count() const { return weight.master.count(); }
  /// Whether products read something else than its value.
  bool adapted() const { return !(joined ? joined->adapters : adapters).empty(); }
  /// Whether a backward pass must reach it.
  bool learns() const { return trainable || adapted(); }
  /// Empty unless a gradient is wanted, so that it can be passed to an op's optional output.
  Tensor wanted_grad() const { return trainable ? grad : Tensor{}; }
};

/// All parameters of a model, in one order and one layout for values and compute copies alike. Gradients and moments, which
/// frozen ones have not, are Learned.
class Parameters {
 public:
  static constexpr int64_t kAlignment = 32;  // elements: 64 bytes in a bf16 copy

  Parameter& add(std::string name, std::vector<int64_t> shape, Init init, bool input_major = false);

  /// Parameters of one shape that lie one after another, so that one product can read them all: their names are listed,
  /// the matrix [parts·rows, cols] (or row) that they make together is what is returned. An empty name is a part that is none,
  /// and holds zeros.
  Parameter& add_joined(const std::vector<std::string>& names, const std::vector<int64_t>& shape, Init init);

  /// Points every parameter into blocks of `elements()` each. compute is ignored when type is f32.
  void bind(float* values, void* compute, DType type);
  /// Empty ones end a parameter's gradient.
  void set_grad(size_t i, const Tensor& grad);

  int64_t elements() const { return elements_; }
  size_t size() const { return items_.size(); }
  Parameter& operator[](size_t i) { return items_[i]; }
  const Parameter& operator[](size_t i) const { return items_[i]; }
  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  /// What products read: parameters, joined where they are parts.
  std::vector<const Weight*> weights() const;

  void set_trainable(size_t i, bool trainable);
  /// Removes all from `first` on, none of which may be joined or be a layer's.
  void drop(size_t first);

  /// To be called when values were written: packed copies are refreshed at their next use.
  void touch();
  static void touch(Parameter& p);

 private:
  Parameter& place(std::deque<Parameter>& in, std::string name, std::vector<int64_t> shape, int64_t offset);

  std::deque<Parameter> items_;   // deques: layers keep pointers while others are added
  std::deque<Parameter> joined_;
  int64_t elements_ = 0;
};

}  // namespace cw
