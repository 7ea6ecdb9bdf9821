// How a check demands something of an op's field, so that all messages read alike: "[op] field: expected …, got …".
#pragma once
#include <string>

#include "core/error.h"
#include "ops/ops.h"

namespace cw {

inline std::string shape_of(const Tensor& t) {
  return std::string(name_of(t.dtype)) + " [" + std::to_string(t.rows) + ", " + std::to_string(t.cols) + "]";
}

/// Collects what an op demands of one field; the first broken demand throws.
class CheckedField {
 public:
  CheckedField(const Ops& ops, const char* op, const char* name, const Tensor& t) : ops_(ops), op_(op), name_(name), t_(t) {}

  const CheckedField& given() const {
    if (!t_) fail("is missing");
    return *this;
  }
  const CheckedField& is(int64_t rows, int64_t cols) const {
    if (t_ && (t_.rows != rows || t_.cols != cols || t_.stride < t_.cols))
      fail("expected [" + std::to_string(rows) + ", " + std::to_string(cols) + "], got " + shape_of(t_));
    return *this;
  }
  const CheckedField& type(DType a) const {
    if (t_ && t_.dtype != a) fail(std::string("expected ") + name_of(a) + ", got " + shape_of(t_));
    return *this;
  }
  const CheckedField& floating() const {
    if (t_ && t_.dtype != DType::f32 && t_.dtype != DType::bf16 && t_.dtype != DType::f16)
      fail("expected a floating type, got " + shape_of(t_));
    if (t_ && !ops_.computes(t_.dtype))
      fail(std::string("this device does not compute in ") + name_of(t_.dtype) + "; use bf16 or f32", Code::unsupported);
    return *this;
  }
  const CheckedField& dense() const {
    if (t_ && !t_.contiguous()) fail("must be contiguous");
    return *this;
  }
  [[noreturn]] void fail(const std::string& what, Code code = Code::invalid_argument) const {
    throw Error(code, std::string("[") + op_ + "] " + name_ + ": " + what);
  }

 private:
  const Ops& ops_;
  const char* op_;
  const char* name_;
  const Tensor& t_;
};

/// What is demanded of one op, by name.
struct CheckedOp {
  const Ops& ops;
  const char* name;
  CheckedField field(const char* f, const Tensor& t) const { return {ops, name, f, t}; }
  /// An f32 or i32 row vector of n.
  void vector(const char* f, const Tensor& t, int64_t n, DType type = DType::f32) const {
    field(f, t).is(1, n).type(type).dense();
  }
  void demand(bool ok, const char* f, const std::string& what) const {
    if (!ok) field(f, {}).fail(what);
  }
  void sequences(const Sequences& s) const {
    field("sequences.offsets", s.offsets).given();
    vector("sequences.offsets", s.offsets, s.count + 1, DType::i32);
  }
};

}  // namespace cw
