// How a check demands something of an op's field, so that all messages read alike: "[op] field: expected …, got …".
#pragma once
#include <string>

#include "core/error.h"
#include "ops/ops.h"

namespace cw {

/// Collects what an op demands of one field; the first broken demand throws.
class CheckedField {
 public:
  CheckedField(const Ops& ops, const char* op, const char* name, const Tensor& t) : ops_(ops), op_(op), name_(name), t_(t) {}

  const CheckedField& given() const;
  const CheckedField& is(int64_t rows, int64_t cols) const;
  const CheckedField& type(DType a) const;
  const CheckedField& floating() const;
  const CheckedField& dense() const;
  [[noreturn]] void fail(const std::string& what, Code code = Code::invalid_argument) const;

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
  void vector(const char* f, const Tensor& t, int64_t n, DType type = DType::f32) const;
  void demand(bool ok, const char* f, const char* what) const;
  void sequences(const Sequences& s) const;
  void drop(const Drop& d) const;
};

}  // namespace cw
