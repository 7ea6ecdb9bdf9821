// The last block computes only the pooled rows. Here: the same values and gradients as computing all and picking. And
// checkpointing, for each kind of block: the same bits.
#include "nn/transformer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "ops/backend.h"

namespace cw::test {
namespace {

constexpr int64_t kWidth = 16, kHeads = 2, kMlp = 24, kLayers = 2;

struct Kind {
  std::optional<float> layer_scale{};
  float dropout = 0;
  bool swiglu = false, norm_last = false;
};

class PooledRows : public testing::TestWithParam<std::tuple<std::string, bool>> {
 protected:
  PooledRows() : backend_(make_backend(std::get<0>(GetParam()), 2)) {}

  Tensor put(const std::vector<float>& v, int64_t rows, int64_t cols) {
    const Tensor t = take(rows, cols, DType::f32);
    backend_->upload(t, v.data());
    return t;
  }
  Tensor put(const std::vector<int32_t>& v) {
    const Tensor t = take(1, static_cast<int64_t>(v.size()), DType::i32);
    backend_->upload(t, v.data());
    return t;
  }
  Tensor take(int64_t rows, int64_t cols, DType type) {
    buffers_.push_back(backend_->allocate(static_cast<size_t>(rows * cols) * size_of(type)));
    return Tensor::of(buffers_.back()->data(), type, rows, cols);
  }
  std::vector<float> get(const Tensor& t) {
    std::vector<float> v(static_cast<size_t>(t.count()));
    backend_->download(v.data(), t);
    return v;
  }
  std::vector<float> noise(size_t n) {
    std::vector<float> v(n);
    std::normal_distribution<float> normal;
    for (float& x : v) x = normal(random_);
    return v;
  }

  template <class Stack>
  void expect_equal(Kind kind = {});

  std::unique_ptr<Backend> backend_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::mt19937 random_{5};
};

template <class Stack>
void PooledRows::expect_equal(Kind kind) {
  Parameters p;
  const BlockConfig config{.width = kWidth, .heads = kHeads, .mlp_width = kMlp, .causal = std::get<1>(GetParam()),
                           .layer_scale = kind.layer_scale, .hidden_dropout = kind.dropout,
                           .attention_dropout = kind.dropout, .swiglu = kind.swiglu, .norm_last = kind.norm_last};
  Draws draws{put(std::vector<int32_t>{3, 0, 1, 0}),
              put(std::vector<int32_t>{0, 0, 0, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 0, 1, 2, 0, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5})};
  draws.places.rows = 2, draws.places.cols = draws.places.stride = 15;
  const Stack blocks(p, "t", config, kLayers, {});
  const auto elements = static_cast<size_t>(p.elements());
  const Tensor values = put(noise(elements), 1, p.elements());
  for (float* x = values.as<float>(); x != values.as<float>() + elements; ++x) *x *= 0.2f;  // host memory on these backends
  const Tensor grads = take(1, p.elements(), DType::f32);
  p.bind(values.as<float>(), nullptr, DType::f32);
  for (size_t i = 0; i < p.size(); ++i)
    p.set_grad(i, Tensor::of(grads.as<float>() + p[i].offset, DType::f32, p[i].weight.master.rows, p[i].weight.master.cols));

  const std::vector<int32_t> offsets{0, 3, 4, 9, 9 + 6}, rows{1, 3, 8, 9};
  const int64_t t = offsets.back(), s = 4;
  const Sequences seq{.offsets = put(offsets), .count = s, .max_length = 6};
  RowSubset subset;
  subset.rows = put(rows);
  subset.queries = {.offsets = put(std::vector<int32_t>{0, 1, 2, 3, 4}), .positions = subset.rows, .max_per_sequence = 1};
  const Tensor x = put(noise(static_cast<size_t>(t * kWidth)), t, kWidth);
  const std::vector<float> dy_rows = noise(static_cast<size_t>(s * kWidth));
  std::vector<float> dy_all(static_cast<size_t>(t * kWidth), 0.0f);
  for (int64_t r = 0; r < s; ++r)
    for (int64_t d = 0; d < kWidth; ++d) dy_all[rows[r] * kWidth + d] = dy_rows[r * kWidth + d];

  const Tensor memory = take(1, 1 << 20, DType::u8), scratch = take(1, 1 << 24, DType::u8);
  backend_->set_scratch(scratch.data, scratch.bytes());
  const auto run = [&](const RowSubset& asked, const std::vector<float>& dy, bool checkpointing = false) {
    Arena arena(memory.data, memory.bytes());
    const Context c{.ops = *backend_,
                    .arena = arena,
                    .training = true,
                    .checkpointing = checkpointing,
                    .remake_hidden = backend_->remakes_hidden(),
                    .draws = draws};
    typename Stack::Saved saved;
    const Tensor y = take(static_cast<int64_t>(dy.size()) / kWidth, kWidth, DType::f32), dx = take(t, kWidth, DType::f32);
    blocks.forward(c, seq, asked, x, y, saved);
    blocks.backward(c, seq, asked, saved, put(dy, y.rows, kWidth), dx);
    return std::tuple(get(y), get(dx), get(grads));
  };
  const auto [y_all, dx_all, grads_all] = run({}, dy_all);
  const auto [y_rows, dx_rows, grads_rows] = run(subset, dy_rows);
  EXPECT_TRUE(run({}, dy_all, true) == std::tuple(y_all, dx_all, grads_all));
  EXPECT_TRUE(run(subset, dy_rows, true) == std::tuple(y_rows, dx_rows, grads_rows));

  for (int64_t r = 0; r < s; ++r)
    for (int64_t d = 0; d < kWidth; ++d) ASSERT_NEAR(y_rows[r * kWidth + d], y_all[rows[r] * kWidth + d], 2e-5);
  for (size_t i = 0; i < dx_all.size(); ++i) ASSERT_NEAR(dx_rows[i], dx_all[i], 1e-4);
  for (size_t i = 0; i < grads_all.size(); ++i) ASSERT_NEAR(grads_rows[i], grads_all[i], 2e-4) << i;

  // Several places sum the gradients of vectors: each is what a difference of the loss Σ dy·y says.
  const auto loss = [&] {
    Arena arena(memory.data, memory.bytes());
    const Tensor y = take(s, kWidth, DType::f32);
    typename Stack::Saved unused;
    blocks.forward({.ops = *backend_, .arena = arena, .draws = draws}, seq, subset, x, y, unused);
    const std::vector<float> got = get(y);
    return std::inner_product(got.begin(), got.end(), dy_rows.begin(), 0.0);
  };
  for (const Parameter& parameter : p) {
    if (!parameter.name.ends_with("bias") && !parameter.name.ends_with("gamma")) continue;
    constexpr float kStep = 0.01f;
    float& value = parameter.weight.master.as<float>()[3];
    const float before = value;
    value = before + kStep;
    const double above = loss();
    value = before - kStep;
    const double below = loss();
    value = before;
    EXPECT_NEAR(grads_rows[static_cast<size_t>(parameter.offset) + 3], (above - below) / (2 * kStep), 2e-3) << parameter.name;
  }
}

TEST_P(PooledRows, EqualAllRowsPicked) { expect_equal<Transformer>(); }
TEST_P(PooledRows, EqualAllRowsPickedWithLayerScale) { expect_equal<Transformer>({.layer_scale = 0.5f}); }
TEST_P(PooledRows, EqualAllRowsPickedWithGates) { expect_equal<Transformer>({.swiglu = true}); }
TEST_P(PooledRows, EqualAllRowsPickedWithNormsLast) { expect_equal<Transformer>({.norm_last = true}); }
TEST_P(PooledRows, EqualAllRowsPickedFromBert) { expect_equal<BertEncoder>(); }
TEST_P(PooledRows, EqualAllRowsPickedFromBertWithDropout) { expect_equal<BertEncoder>({.dropout = 0.3f}); }

INSTANTIATE_TEST_SUITE_P(Backends, PooledRows,
                         testing::Combine(testing::Values("reference", "cpu"), testing::Bool()),
                         [](const auto& info) {
                           return std::get<0>(info.param) + (std::get<1>(info.param) ? "_causal" : "_bidirectional");
                         });

}  // namespace
}  // namespace cw::test
