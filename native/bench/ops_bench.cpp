// Times single operations on one device, to hold them against PyTorch's (bench/peers/ops_torch.py). One JSON line each:
//   ops_bench DEVICE loss PAIRS WIDTH f32|bf16|f16 REPEATS [infonce|siglip]
//   ops_bench DEVICE attention SEQUENCES LENGTH HEADS HEAD_SIZE causal|bidirectional f32|bf16|f16 REPEATS
//   ops_bench DEVICE linear ROWS INPUTS OUTPUTS f32|bf16|f16 REPEATS
//   ops_bench describe    (the cards of this machine, or why none can be used)
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/names.h"
#include "loss/pair_loss.h"
#include "ops/cuda/cuda.h"
#include "ops/planner.h"

namespace cw {
namespace {

/// Tensors of one benchmark, and the time of what it does with them.
class Bench {
 public:
  explicit Bench(const std::string& device) : backend_(make_backend(device, 0)) {}

  Tensor take(int64_t rows, int64_t cols, DType dtype) {
    const Tensor shape = Tensor::of(nullptr, dtype, rows, cols);
    buffers_.push_back(backend_->allocate(shape.bytes()));
    return Tensor::of(buffers_.back()->data(), dtype, rows, cols);
  }
  Tensor noise(int64_t rows, int64_t cols, DType dtype) {
    std::vector<float> values(static_cast<size_t>(rows * cols));
    std::normal_distribution<float> normal;
    for (float& x : values) x = normal(random_);
    const Tensor full = put(values.data(), rows, cols, DType::f32);
    if (dtype == DType::f32) return full;
    const Tensor rounded = take(rows, cols, dtype);
    backend_->cast({.x = full, .y = rounded});
    return rounded;
  }
  Tensor put(const void* values, int64_t rows, int64_t cols, DType dtype) {
    const Tensor t = take(rows, cols, dtype);
    backend_->upload(t, values);
    return t;
  }

  /// Scratch for what `ops` calls; returns its bytes.
  size_t plan(const std::function<void(Ops&)>& ops) {
    Planner planner(*backend_);
    ops(planner);
    const Tensor scratch = take(1, static_cast<int64_t>(planner.scratch()), DType::u8);
    backend_->set_scratch(scratch.data, planner.scratch());
    return planner.scratch();
  }

  /// The best of several, after some that compile, capture and warm up.
  double best_ms(int repeats, const std::function<void(Ops&)>& ops) {
    constexpr int kWarmUp = 3;
    double best = std::numeric_limits<double>::infinity();
    for (int i = -kWarmUp; i < repeats; ++i) {
      backend_->synchronize();
      const auto begin = std::chrono::steady_clock::now();
      ops(*backend_);
      backend_->synchronize();
      const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
      if (i >= 0) best = std::min(best, took.count());
    }
    return best;
  }

 private:
  std::unique_ptr<Backend> backend_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::mt19937 random_{1};
};

/// Forward and backward of the loss over features, with products of a type; `extraMiB` is what it takes beside features and
/// gradients.
void loss(Bench& bench, int64_t n, int64_t width, DType products, int repeats, const std::string& kind) {
  const float temperature = std::log(1 / 0.07f), bias = -10;
  const std::unique_ptr<PairLoss> loss = make_pair_loss({.kind = kind, .options = {{"reduction", "mean"}}});
  const PairFeatures f{.image = bench.noise(n, width, DType::f32),
                       .text = bench.noise(n, width, DType::f32),
                       .dimage = bench.take(n, width, DType::f32),
                       .dtext = bench.take(n, width, DType::f32),
                       .loss = bench.take(1, 1, DType::f32),
                       .products = products};
  const PairParameters p{.logit_scale = bench.put(&temperature, 1, 1, DType::f32),
                         .dlogit_scale = bench.take(1, 1, DType::f32),
                         .logit_bias = bench.put(&bias, 1, 1, DType::f32),
                         .dlogit_bias = bench.take(1, 1, DType::f32)};
  Arena measured = Arena::measuring();
  const size_t scratch = bench.plan([&](Ops& ops) { loss->run(ops, measured, f, p); });
  const Tensor memory = bench.take(1, static_cast<int64_t>(measured.peak()), DType::u8);
  Arena arena(memory.data, memory.bytes());
  const double ms = bench.best_ms(repeats, [&](Ops& ops) { loss->run(ops, arena, f, p); });
  constexpr double kMiB = 1 << 20;
  std::printf("{\"ms\": %.4f, \"extraMiB\": %.1f, \"featuresMiB\": %.1f}\n", ms,
              static_cast<double>(measured.peak() + scratch) / kMiB,
              static_cast<double>(f.image.bytes() + f.text.bytes()) / kMiB);
}

/// Sequences of one length, forward and backward.
void attention(Bench& bench, int64_t sequences, int64_t length, int64_t heads, int64_t head, bool causal, DType type,
               int repeats) {
  const int64_t rows = sequences * length, width = heads * head;
  std::vector<int32_t> offsets;
  for (int64_t s = 0; s <= sequences; ++s) offsets.push_back(static_cast<int32_t>(s * length));
  const Sequences packed{
      .offsets = bench.put(offsets.data(), 1, sequences + 1, DType::i32), .count = sequences, .max_length = length};
  const Tensor qkv = bench.noise(rows, 3 * width, type), dqkv = bench.take(rows, 3 * width, type);
  const auto part = [&](const Tensor& t, int64_t i) { return t.col_range(i * width, width); };
  const Tensor y = bench.take(rows, width, type), dy = bench.noise(rows, width, type);
  const Tensor lse = bench.take(heads, rows, DType::f32);
  const auto forward = [&](Ops& ops) {
    ops.attention({.q = part(qkv, 0), .k = part(qkv, 1), .v = part(qkv, 2), .y = y, .lse = lse, .sequences = packed,
                   .heads = heads, .causal = causal});
  };
  const auto backward = [&](Ops& ops) {
    ops.attention_grad({.q = part(qkv, 0), .k = part(qkv, 1), .v = part(qkv, 2), .y = y, .lse = lse, .dy = dy,
                        .dq = part(dqkv, 0), .dk = part(dqkv, 1), .dv = part(dqkv, 2), .sequences = packed,
                        .heads = heads, .causal = causal});
  };
  bench.plan([&](Ops& ops) { forward(ops), backward(ops); });
  const double forward_ms = bench.best_ms(repeats, forward), backward_ms = bench.best_ms(repeats, backward);
  std::printf("{\"forwardMs\": %.4f, \"backwardMs\": %.4f}\n", forward_ms, backward_ms);
}

/// A product with a weight, with its bias, and the gradients of both sides.
void linear(Bench& bench, int64_t rows, int64_t inputs, int64_t outputs, DType type, int repeats) {
  const Weight weight{.master = bench.noise(outputs, inputs, DType::f32), .compute = bench.noise(outputs, inputs, type)};
  const Tensor x = bench.noise(rows, inputs, type), dx = bench.take(rows, inputs, type);
  const Tensor y = bench.take(rows, outputs, type), dy = bench.noise(rows, outputs, type);
  const Tensor b = bench.noise(1, outputs, DType::f32), dw = bench.take(outputs, inputs, DType::f32);
  const auto forward = [&](Ops& ops) { ops.linear({.x = x, .w = {&weight}, .b = b, .y = y}); };
  const auto input_grad = [&](Ops& ops) { ops.linear_input_grad({.dy = dy, .w = {&weight}, .dx = dx}); };
  const auto weight_grad = [&](Ops& ops) { ops.linear_weight_grad({.dy = dy, .x = x, .dw = dw}); };
  bench.plan([&](Ops& ops) { forward(ops), input_grad(ops), weight_grad(ops); });
  const double forward_ms = bench.best_ms(repeats, forward), input_ms = bench.best_ms(repeats, input_grad),
               weight_ms = bench.best_ms(repeats, weight_grad);
  std::printf("{\"forwardMs\": %.4f, \"inputGradMs\": %.4f, \"weightGradMs\": %.4f}\n", forward_ms, input_ms, weight_ms);
}

DType type_named(const std::string& name) {
  constexpr Named<DType> kTypes[] = {{"f32", DType::f32}, {"bf16", DType::bf16}, {"f16", DType::f16}};
  return named(kTypes, name, "type");
}

/// A JSON string; what drivers say may hold anything.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out + '"';
}

void describe() {
  const CudaDescription d = describe_cuda();
  std::printf("{\"driver\": %s, \"runtime\": %s, \"cublasLt\": %s, \"problem\": %s, \"cards\": [", quoted(d.driver).c_str(),
              quoted(d.runtime).c_str(), quoted(d.cublaslt).c_str(), quoted(d.problem).c_str());
  for (size_t i = 0; i < d.cards.size(); ++i) {
    const CudaCard& c = d.cards[i];
    std::printf("%s{\"name\": %s, \"bytes\": %zu, \"freeBytes\": %zu, \"capability\": \"%d.%d\"}", i ? ", " : "",
                quoted(c.name).c_str(), c.bytes, c.free_bytes, c.major, c.minor);
  }
  std::printf("]}\n");
}

void run(const std::vector<std::string>& a) {
  if (a.size() == 1 && a[0] == "describe") return describe();
  const auto number = [&](size_t i) { return std::stoll(a.at(i)); };
  Bench bench(a.at(0));
  if ((a.size() == 6 || a.size() == 7) && a[1] == "loss")
    return loss(bench, number(2), number(3), type_named(a[4]), static_cast<int>(number(5)), a.size() == 7 ? a[6] : "infonce");
  if (a.size() == 9 && a[1] == "attention")
    return attention(bench, number(2), number(3), number(4), number(5), a[6] == "causal", type_named(a[7]),
                     static_cast<int>(number(8)));
  if (a.size() == 7 && a[1] == "linear")
    return linear(bench, number(2), number(3), number(4), type_named(a[5]), static_cast<int>(number(6)));
  throw Error(Code::invalid_argument, "expected the arguments that native/bench/ops_bench.cpp begins with");
}

}  // namespace
}  // namespace cw

int main(int argc, char** argv) {
  try {
    cw::run({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 1;
  }
}
