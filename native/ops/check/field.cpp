#include "ops/check/field.h"

#include <string>

namespace cw {
namespace {

std::string shape_of(const Tensor& t) {
  return std::string(name_of(t.dtype)) + " [" + std::to_string(t.rows) + ", " + std::to_string(t.cols) + "]";
}

}  // namespace

const CheckedField& CheckedField::given() const {
  if (!t_) fail("is missing");
  return *this;
}

const CheckedField& CheckedField::is(int64_t rows, int64_t cols) const {
  if (t_ && (t_.rows != rows || t_.cols != cols || t_.stride < t_.cols))
    fail("expected [" + std::to_string(rows) + ", " + std::to_string(cols) + "], got " + shape_of(t_));
  return *this;
}

const CheckedField& CheckedField::type(DType a) const {
  if (t_ && t_.dtype != a) fail(std::string("expected ") + name_of(a) + ", got " + shape_of(t_));
  return *this;
}

const CheckedField& CheckedField::floating() const {
  if (t_ && t_.dtype != DType::f32 && t_.dtype != DType::bf16 && t_.dtype != DType::f16)
    fail("expected a floating type, got " + shape_of(t_));
  if (t_ && !ops_.computes(t_.dtype))
    fail(std::string("this device does not compute in ") + name_of(t_.dtype) + "; use bf16 or f32", Code::unsupported);
  return *this;
}

const CheckedField& CheckedField::dense() const {
  if (t_ && !t_.contiguous()) fail("must be contiguous");
  return *this;
}

void CheckedField::fail(const std::string& what, Code code) const {
  throw Error(code, std::string("[") + op_ + "] " + name_ + ": " + what);
}

void CheckedOp::vector(const char* f, const Tensor& t, int64_t n, DType type) const {
  field(f, t).is(1, n).type(type).dense();
}

void CheckedOp::demand(bool ok, const char* f, const char* what) const {
  if (!ok) field(f, {}).fail(what);
}

void CheckedOp::sequences(const Sequences& s) const {
  field("sequences.offsets", s.offsets).given();
  vector("sequences.offsets", s.offsets, s.count + 1, DType::i32);
}

}  // namespace cw
