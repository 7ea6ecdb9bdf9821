// One case's memory on one backend. Every buffer lies between guard zones, outputs and scratch start as NaN, and scratch
// has exactly the size that was asked for: what an op reads or writes beyond its views shows.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "ops/backend.h"
#include "test/conformance/tolerance.h"

namespace cw::test {

/// Random inputs depend on name, row and column alone, so they are the same on every backend and with or without filler.
double normal_at(const std::string& name, int64_t row, int64_t col);

struct Fill {
  double mean = 0, scale = 1;
  int64_t pad = 0;         // columns of NaN after each row: a view with a stride
  int64_t real_rows = -1;  // rows from here on are filler ...
  double filler = 0;       // ... and hold this
};

/// What an op wrote, as numbers and as bits.
struct Result {
  std::string name;
  DType dtype;
  int64_t rows, cols;
  std::vector<double> values;
  std::vector<std::byte> bits;
  Tolerance tolerance;
};

class Rig {
 public:
  explicit Rig(Backend& backend) : backend_(backend) {}

  Tensor in(const std::string& name, int64_t rows, int64_t cols, DType dtype, Fill fill = {});
  Tensor in(const std::string& name, int64_t rows, int64_t cols, DType dtype,
            const std::function<double(int64_t, int64_t)>& value, int64_t pad = 0);
  Tensor bytes(const std::string& name, int64_t rows, int64_t cols);
  Tensor ints(const std::string& name, const std::vector<int32_t>& values);
  /// Starts as NaN; compared with the reference afterwards.
  Tensor out(const std::string& name, int64_t rows, int64_t cols, DType dtype, Tolerance tolerance, int64_t pad = 0);
  /// Starts with values; compared afterwards.
  Tensor in_out(const std::string& name, int64_t rows, int64_t cols, DType dtype, Tolerance tolerance, Fill fill = {});
  /// An input that the op overwrites with an output; compared afterwards.
  Tensor over(const Tensor& input, Tolerance tolerance);
  /// out or in_out, for an output with an `accumulate` flag.
  Tensor sum(const std::string& name, int64_t rows, int64_t cols, Tolerance tolerance, bool accumulate);
  /// Written by an op, read by the next; not compared.
  Tensor between(const std::string& name, int64_t rows, int64_t cols, DType dtype);

  /// Gives a weight the form that this backend's `pack` makes of it, and takes the other away.
  void pack(Weight& weight, const std::vector<WeightView>& views);

  /// rig.run(&Ops::linear, {.x = ...})
  template <class Op>
  void run(void (Ops::*call)(const Op&), const std::type_identity_t<Op>& op) {
    prepare([&](Ops& ops) { (ops.*call)(op); });
    guard(true);
    (backend_.*call)(op);
    guard(false);
  }

  /// Checks guard zones and inputs; gives what outputs hold.
  std::vector<Result> results();
  /// What a tensor of this rig holds now.
  std::vector<double> read(const Tensor& t);
  /// New values for an input, rounded to its type.
  void write(const Tensor& t, const std::function<double(int64_t, int64_t)>& value);

 private:
  struct Block {
    std::string name;
    std::unique_ptr<Buffer> memory;
    std::vector<std::byte> content;  // what was uploaded, guards included
    Tensor view;
    bool written, compared;
    Tolerance tolerance;
  };

  Block& block(const std::string& name, int64_t rows, int64_t cols, DType dtype, int64_t pad);
  void upload(Block& b);
  void check(Block& b);
  void prepare(const std::function<void(Ops&)>& measured);
  /// For AddressSanitizer: whether the guard zones are out of bounds.
  void guard(bool closed);

  Backend& backend_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<std::unique_ptr<PackedWeight>> packed_;
};

}  // namespace cw::test
