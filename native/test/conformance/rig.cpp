#include "test/conformance/rig.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "core/philox.h"
#include "core/poison.h"
#include "ops/planner.h"

namespace cw::test {
namespace {

constexpr size_t kGuard = 256;
constexpr auto kPoison = std::byte{0xff};  // NaN in f32, bf16 and f16; -1 in i32

uint64_t hash(const std::string& s) {  // FNV-1a
  uint64_t h = 0xcbf29ce484222325u;
  for (const char c : s) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

void encode(std::byte* to, DType dtype, double value) {
  const auto f = static_cast<float>(value);
  switch (dtype) {
    case DType::f32: std::memcpy(to, &f, 4); break;
    case DType::bf16: {
      const bf16 x = to_bf16(f);
      std::memcpy(to, &x, 2);
      break;
    }
    case DType::f16: {
      const f16 x = to_f16(f);
      std::memcpy(to, &x, 2);
      break;
    }
    case DType::u8: *to = static_cast<std::byte>(static_cast<uint8_t>(value)); break;
    case DType::i8: *to = static_cast<std::byte>(static_cast<int8_t>(std::lrint(value))); break;
    case DType::i32: {
      const auto x = static_cast<int32_t>(value);
      std::memcpy(to, &x, 4);
      break;
    }
  }
}

template <class T>
T bits_at(const std::byte* from) {
  T x;
  std::memcpy(&x, from, sizeof(T));
  return x;
}

double decode(const std::byte* from, DType dtype) {
  switch (dtype) {
    case DType::f32: return bits_at<float>(from);
    case DType::bf16: return to_float(bits_at<bf16>(from));
    case DType::f16: return to_float(bits_at<f16>(from));
    case DType::u8: return bits_at<uint8_t>(from);
    case DType::i8: return bits_at<int8_t>(from);
    case DType::i32: return bits_at<int32_t>(from);
  }
  return 0;
}

size_t row_bytes(const Tensor& t) { return static_cast<size_t>(t.cols) * size_of(t.dtype); }
size_t row_start(const Tensor& t, int64_t r) { return kGuard + static_cast<size_t>(r * t.stride) * size_of(t.dtype); }

}  // namespace

double normal_at(const std::string& name, int64_t row, int64_t col) {
  const Philox4 draw = philox(hash(name), static_cast<uint64_t>(row), static_cast<uint64_t>(col));
  return std::sqrt(-2 * std::log(static_cast<double>(unit_float(draw.v[0])))) *
         std::cos(2 * std::numbers::pi * static_cast<double>(unit_float(draw.v[1])));
}

Rig::Block& Rig::block(const std::string& name, int64_t rows, int64_t cols, DType dtype, int64_t pad) {
  auto b = std::make_unique<Block>();
  b->name = name;
  b->content.assign(2 * kGuard + static_cast<size_t>(rows * (cols + pad)) * size_of(dtype), kPoison);
  b->memory = backend_.allocate(b->content.size());
  b->view = {static_cast<std::byte*>(b->memory->data()) + kGuard, dtype, rows, cols, cols + pad};
  b->written = b->compared = false;
  blocks_.push_back(std::move(b));
  return *blocks_.back();
}

void Rig::upload(Block& b) {
  backend_.upload(Tensor::of(b.memory->data(), DType::u8, 1, static_cast<int64_t>(b.content.size())), b.content.data());
}

Tensor Rig::in(const std::string& name, int64_t rows, int64_t cols, DType dtype,
               const std::function<double(int64_t, int64_t)>& value, int64_t pad) {
  Block& b = block(name, rows, cols, dtype, pad);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      encode(b.content.data() + row_start(b.view, r) + static_cast<size_t>(c) * size_of(dtype), dtype, value(r, c));
  upload(b);
  return b.view;
}

Tensor Rig::in(const std::string& name, int64_t rows, int64_t cols, DType dtype, Fill fill) {
  const auto value = [&](int64_t r, int64_t c) {
    return fill.real_rows >= 0 && r >= fill.real_rows ? fill.filler : fill.mean + fill.scale * normal_at(name, r, c);
  };
  return in(name, rows, cols, dtype, value, fill.pad);
}

Tensor Rig::bytes(const std::string& name, int64_t rows, int64_t cols) {
  const auto value = [&](int64_t r, int64_t c) { return std::clamp(127.5 + 80 * normal_at(name, r, c), 0.0, 255.0); };
  return in(name, rows, cols, DType::u8, value);
}

Tensor Rig::ints(const std::string& name, const std::vector<int32_t>& values) {
  return in(name, 1, static_cast<int64_t>(values.size()), DType::i32,
            [&](int64_t, int64_t c) { return static_cast<double>(values[static_cast<size_t>(c)]); });
}

Tensor Rig::out(const std::string& name, int64_t rows, int64_t cols, DType dtype, Tolerance tolerance, int64_t pad) {
  Block& b = block(name, rows, cols, dtype, pad);
  b.written = b.compared = true;
  b.tolerance = tolerance;
  upload(b);
  return b.view;
}

Tensor Rig::in_out(const std::string& name, int64_t rows, int64_t cols, DType dtype, Tolerance tolerance, Fill fill) {
  return over(in(name, rows, cols, dtype, fill), tolerance);
}

Tensor Rig::over(const Tensor& input, Tolerance tolerance) {
  Block& b = **std::ranges::find_if(blocks_, [&](const auto& block) { return block->view.data == input.data; });
  b.written = b.compared = true;
  b.tolerance = tolerance;
  return input;
}

Tensor Rig::sum(const std::string& name, int64_t rows, int64_t cols, Tolerance tolerance, bool accumulate) {
  return accumulate ? in_out(name, rows, cols, DType::f32, tolerance) : out(name, rows, cols, DType::f32, tolerance);
}

Tensor Rig::between(const std::string& name, int64_t rows, int64_t cols, DType dtype) {
  const Tensor t = out(name, rows, cols, dtype, {});
  blocks_.back()->compared = false;
  return t;
}

void Rig::prepare(const std::function<void(Ops&)>& measured) {
  Planner planner(backend_);
  measured(planner);
  Block& scratch = block("scratch", 1, static_cast<int64_t>(planner.scratch()), DType::u8, 0);
  scratch.written = true;
  upload(scratch);
  backend_.set_scratch(scratch.view.data, planner.scratch());
}

void Rig::guard(bool closed) {
  backend_.synchronize();  // a fresh block may still have to be zeroed, whole
  for (const auto& b : blocks_) {
    const auto* begin = static_cast<const std::byte*>(b->memory->data());
    unpoison(begin, b->content.size());  // all of it: scratch holds an arena's red zones
    if (!closed) continue;
    poison(begin, kGuard);
    poison(begin + b->content.size() - kGuard, kGuard);
  }
}

void Rig::check(Block& b) {
  std::vector<std::byte> now(b.content.size());
  backend_.download(now.data(), Tensor::of(b.memory->data(), DType::u8, 1, static_cast<int64_t>(now.size())));
  if (b.written)
    for (int64_t r = 0; r < b.view.rows; ++r)
      std::copy_n(now.begin() + static_cast<std::ptrdiff_t>(row_start(b.view, r)), row_bytes(b.view),
                  b.content.begin() + static_cast<std::ptrdiff_t>(row_start(b.view, r)));
  const auto wrong = std::mismatch(now.begin(), now.end(), b.content.begin()).first;
  if (wrong != now.end())
    ADD_FAILURE() << b.name << ": " << (b.written ? "written outside of the view" : "an input was changed")
                  << ", at byte " << (wrong - now.begin()) - static_cast<std::ptrdiff_t>(kGuard) << " from its start";
}

std::vector<Result> Rig::results() {
  std::vector<Result> all;
  for (const auto& b : blocks_) {
    check(*b);
    if (!b->compared) continue;
    const Tensor& t = b->view;
    Result result{b->name, t.dtype, t.rows, t.cols, read(t), {}, b->tolerance};
    result.bits.resize(static_cast<size_t>(t.rows) * row_bytes(t));
    backend_.download(result.bits.data(), t);
    all.push_back(std::move(result));
  }
  return all;
}

std::vector<double> Rig::read(const Tensor& t) {
  std::vector<std::byte> bits(static_cast<size_t>(t.rows) * row_bytes(t));
  backend_.download(bits.data(), t);
  std::vector<double> values(static_cast<size_t>(t.count()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = decode(bits.data() + i * size_of(t.dtype), t.dtype);
  return values;
}

void Rig::write(const Tensor& t, const std::function<double(int64_t, int64_t)>& value) {
  for (const auto& b : blocks_) {
    if (b->view.data != t.data) continue;
    for (int64_t r = 0; r < t.rows; ++r)
      for (int64_t c = 0; c < t.cols; ++c)
        encode(b->content.data() + row_start(t, r) + static_cast<size_t>(c) * size_of(t.dtype), t.dtype, value(r, c));
    upload(*b);
  }
}

void Rig::pack(Weight& weight, const std::vector<WeightView>& views) {
  std::unique_ptr<PackedWeight> packed = backend_.pack(weight, views);
  if (!packed) return;
  weight.packed = packed.get();
  weight.master.data = weight.compute.data = nullptr;
  packed_.push_back(std::move(packed));
}

}  // namespace cw::test
