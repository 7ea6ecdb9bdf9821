// Weights that are packed as their rows come: the same numbers in the same places as when they are packed whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/rounded_weight.h"
#include "ops/backend.h"
#include "ops/cpu/isa.h"
#include "ops/ops.h"

namespace cw::test {
namespace {

struct Shape {
  int64_t out, in;
  std::vector<int64_t> views;  // where they begin
};

std::vector<float> numbers(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i) * 0.37f) * 0.1f;
  return values;
}

class PackedRowsTest : public testing::TestWithParam<DType> {
 protected:
  /// As it is held: of i8 with `scales`.
  std::unique_ptr<Buffer> held(const std::vector<float>& values, const Shape& shape, Tensor& compute, const Tensor& scales) {
    const Tensor wide = Tensor::of(const_cast<float*>(values.data()), DType::f32, shape.out, shape.in);
    auto memory = backend_->allocate(values.size() * size_of(GetParam()));
    compute = Tensor::of(memory->data(), GetParam(), shape.out, shape.in);
    if (GetParam() == DType::i8) round_weight(wide, backend_->int8_levels(), compute, scales);
    else backend_->cast({.x = wide, .y = compute});
    return memory;
  }
  std::vector<std::byte> unpacked(const PackedWeight& packed, const Shape& shape) {
    std::vector<std::byte> bytes(static_cast<size_t>(shape.out * shape.in) * size_of(GetParam()));
    backend_->unpack(packed, Tensor::of(bytes.data(), GetParam(), shape.out, shape.in));
    return bytes;
  }

  const std::unique_ptr<Backend> backend_ = make_backend("cpu", 2);
};

TEST_P(PackedRowsTest, AreThoseOfTheWholeWeight) {
  bool any = false;
  for (const Shape& shape : {Shape{256, 192, {0}}, Shape{200, 128, {0}}, Shape{192, 64, {0, 64}}, Shape{70, 320, {0}}}) {
    const std::vector<float> values = numbers(shape.out * shape.in);
    std::vector<float> scales(static_cast<size_t>(shape.out)), own(scales.size());
    const Tensor scale_row = Tensor::of(scales.data(), DType::f32, 1, shape.out);
    const Tensor own_row = Tensor::of(own.data(), DType::f32, 1, shape.out);
    Weight weight{.master = Tensor::of(nullptr, DType::f32, shape.out, shape.in)};
    const auto memory = held(values, shape, weight.compute, scale_row);
    std::vector<WeightView> views;
    for (size_t i = 0; i < shape.views.size(); ++i) {
      const int64_t end = i + 1 < shape.views.size() ? shape.views[i + 1] : shape.out;
      views.push_back({.weight = &weight, .first = shape.views[i], .count = end - shape.views[i]});
    }
    const auto whole = backend_->pack(weight, views);
    const auto rows = backend_->packed_zeros(weight, views);
    if (!rows) continue;  // this instruction set's panels are others
    any = true;
    ASSERT_TRUE(whole);
    EXPECT_FALSE(backend_->writes_rows(*rows, 1, 63));
    EXPECT_FALSE(backend_->writes_rows(*rows, 0, 63));
    const int64_t half = 64;
    ASSERT_TRUE(backend_->writes_rows(*rows, half, shape.out - half));
    for (const auto& [first, count] : {std::pair(half, shape.out - half), std::pair(int64_t{0}, half)}) {
      const Backend::Source source = [&](float* to, int64_t begin, int64_t some) {
        std::copy_n(values.data() + first * shape.in + begin, some, to);
        return true;
      };
      EXPECT_TRUE(backend_->write_rows(*rows, first, count, GetParam() == DType::i8 ? own_row : Tensor{}, source));
    }
    EXPECT_EQ(unpacked(*rows, shape), unpacked(*whole, shape));
    if (GetParam() != DType::i8) continue;
    EXPECT_EQ(own, scales);
    // What is known of them beside: a product's results.
    const int64_t t = 3;
    const std::vector<float> x = numbers(t * shape.in);
    std::vector<std::vector<float>> y(2, std::vector<float>(static_cast<size_t>(t * shape.out)));
    for (const int i : {0, 1}) {
      weight.packed = (i == 0 ? whole : rows).get();
      weight.scales = i == 0 ? scale_row : own_row;
      for (const WeightView& view : views) {
        const Linear op{.x = Tensor::of(const_cast<float*>(x.data()), DType::f32, t, shape.in),
                        .w = view,
                        .y = Tensor::of(y[i].data(), DType::f32, t, shape.out).col_range(view.first, view.count)};
        const auto scratch = backend_->allocate(backend_->scratch(op));
        backend_->set_scratch(scratch->data(), scratch->bytes());
        backend_->linear(op);
      }
    }
    EXPECT_EQ(y[0], y[1]);
  }
  if (GetParam() == DType::f32 || own_rounded()) {
    EXPECT_TRUE(any);
  }
}

/// What lies as [I,O], and what panels would fill up.
TEST_P(PackedRowsTest, AreRefusedWhereTheyLieOtherwise) {
  for (const bool input_major : {true, false}) {
    const int64_t rows = 64, cols = input_major ? 64 : 24;
    const std::vector<std::byte> zeros(static_cast<size_t>(rows * cols) * size_of(GetParam()));
    Weight weight{.master = Tensor::of(nullptr, DType::f32, rows, cols),
                  .compute = Tensor::of(const_cast<std::byte*>(zeros.data()), GetParam(), rows, cols),
                  .input_major = input_major};
    EXPECT_FALSE(backend_->packed_zeros(weight, {{.weight = &weight}}));
    const auto whole = backend_->pack(weight, {{.weight = &weight}});
    if (whole) {
      EXPECT_FALSE(backend_->writes_rows(*whole, 0, 64));
    }
  }
}

TEST_P(PackedRowsTest, SayThatTheyWereNotThere) {
  Weight weight{.master = Tensor::of(nullptr, DType::f32, 128, 64), .compute = Tensor::of(nullptr, GetParam(), 128, 64)};
  const auto rows = backend_->packed_zeros(weight, {{.weight = &weight}});
  if (GetParam() == DType::f32) {
    EXPECT_TRUE(rows);
  }
  if (!rows) return;
  std::vector<float> scales(128);
  const Tensor row = Tensor::of(scales.data(), DType::f32, 1, 128);
  EXPECT_FALSE(backend_->write_rows(*rows, 0, 128, row, [](float*, int64_t first, int64_t) { return first == 0; }));
}

INSTANTIATE_TEST_SUITE_P(, PackedRowsTest, testing::Values(DType::f32, DType::bf16, DType::i8),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace cw::test
