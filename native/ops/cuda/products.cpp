#include "ops/cuda/products.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "ops/cuda/product_tuning.h"

namespace cw {
namespace {

/// Pointers of a shape differ in their alignment, too: each has a plan of its own, and those used last are kept.
constexpr size_t kPlans = 1024;
constexpr uint32_t kAlignment = 256;  // the most that cuBLASLt asks for

/// 16-bit products want rows at multiples of 16 bytes and of eight elements.
int64_t unit_of(DType inputs) { return inputs == DType::f32 ? 1 : 8; }
int64_t padded(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

uint32_t alignment(const void* p) {
  const auto address = reinterpret_cast<uintptr_t>(p);
  return static_cast<uint32_t>(std::min<uintptr_t>(address & -address, kAlignment));
}

bool aligned(const void* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }
bool aligned(const Tensor& t) {
  return aligned(t.data) && t.stride * static_cast<int64_t>(size_of(t.dtype)) % 16 == 0;
}

bool asked_to_tune() {
  const char* tune = std::getenv("CLIPWRIGHT_TUNE");
  return tune && std::string_view(tune) == "1";
}

bool captures(cudaStream_t stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  CW_CUDA(cudaStreamIsCapturing(stream, &status));
  return status != cudaStreamCaptureStatusNone;
}

}  // namespace

Products::Products(int device, const Waiter& waiter, Profile& profile) : waiter_(waiter), profile_(profile), plans_(kPlans) {
  CW_LT(Create, &handle_);
  cudaDeviceProp card{};
  CW_CUDA(cudaGetDeviceProperties(&card, device));
  if (asked_to_tune()) choices_.emplace(card.name, lt::library().GetVersion());
  own_ = OwnProducts::make(device, card.name, lt::library().GetVersion(), waiter);
}

Products::~Products() {
  if (handle_) lt::library().Destroy(handle_);
}

void Products::multiply(Workspace& work, cudaStream_t stream, const Product& p) {
  const Frame frame(work.arena());
  const DType type = p.a.stored.dtype;
  const int64_t unit = unit_of(type);
  const int64_t m = p.c.rows, n = p.c.cols, k = p.a.transposed ? p.a.stored.rows : p.a.stored.cols;
  if (m == 0 || n == 0) return;
  if (k == 0) {
    if (work.live() && !p.add) padded_copy(stream, Tensor{.dtype = p.c.dtype}, p.c);
    return;
  }
  // A dimension is padded where some matrix has it along its rows.
  const int64_t pm = p.a.transposed ? padded(m, unit) : m, pn = padded(n, unit);
  const int64_t pk = !p.a.transposed || p.b.transposed ? padded(k, unit) : k;
  const auto fits = [&](const Tensor& t, int64_t rows, int64_t cols) {
    return t.rows == rows && t.cols == cols && (unit == 1 || aligned(t));
  };
  const auto fitted = [&](const Tensor& t, int64_t rows, int64_t cols, DType as) {
    if (t.dtype == as && fits(t, rows, cols)) return t;
    const Tensor copy = work.take(rows, cols, as);
    if (work.live()) padded_copy(stream, t, copy);
    return copy;
  };
  const Tensor a = fitted(p.a.stored, p.a.transposed ? pk : pm, p.a.transposed ? pm : pk, type);
  const Tensor b = fitted(p.b.stored, p.b.transposed ? pn : pk, p.b.transposed ? pk : pn, type);
  const Tensor c = fits(p.c, pm, pn) ? p.c : work.take(pm, pn, p.c.dtype);
  const Tensor add = p.add ? fitted(p.add, pm, pn, p.c.dtype) : c;
  // As PyTorch has it, at a multiple of 16 bytes in every type.
  const bool bias_fits = p.bias && p.bias.dtype == p.c.dtype && fits(p.bias, 1, pn) && aligned(p.bias.data);
  Tensor bias = p.bias;
  if (p.bias && !bias_fits) {
    bias = work.take(1, pn, p.c.dtype);
    if (work.live()) padded_copy(stream, p.bias, bias);
  }

  const ProductShape shape{.inputs = type,
                           .output = c.dtype,
                           .m = pm,
                           .n = pn,
                           .k = pk,
                           .a_transposed = p.a.transposed,
                           .b_transposed = p.b.transposed,
                           .bias = static_cast<bool>(p.bias),
                           .a_stride = a.stride,
                           .b_stride = b.stride,
                           .add_stride = add.stride,
                           .c_stride = c.stride,
                           .a_alignment = alignment(a.data),
                           .b_alignment = alignment(b.data),
                           .add_alignment = alignment(add.data),
                           .c_alignment = alignment(c.data)};
  const auto take = [&](size_t bytes) {  // aligned as an operand may have to be
    const auto address = reinterpret_cast<uintptr_t>(work.take(1, static_cast<int64_t>(bytes + kAlignment), DType::u8).data);
    return reinterpret_cast<void*>((address + kAlignment - 1) / kAlignment * kAlignment);
  };
  void* workspace = take(shape.workspace_limit());
  const bool in_place = p.add && add.data == c.data;
  const bool own = own_ && OwnProducts::fits(shape);
  void* spare = (choices_ && in_place) || own ? take(static_cast<size_t>(c.rows * c.stride) * size_of(c.dtype)) : nullptr;
  if (!work.live()) return;
  const auto span = profile_.on() ? profile_.span(stream, "product", shape.readable()) : Profile::Span{};
  run(shape,
      {.a = a,
       .b = b,
       .a_turned = p.a.transposed,
       .b_turned = p.b.transposed,
       .bias = bias,
       .add = p.add ? add : Tensor{},
       .c = c},
      {.a = a.data,
       .b = b.data,
       .bias = bias.data,
       .add = add.data,
       .c = c.data,
       .workspace = workspace,
       .beta = p.add ? 1.0f : 0.0f},
      spare, stream);
  if (c.data != p.c.data) padded_copy(stream, c, p.c);
}

void Products::run(const ProductShape& shape, const OwnProduct& own, const ProductPlan::Operands& operands, void* spare,
                   cudaStream_t stream) {
  ProductPlan& plan = *plans_.get(shape, [&] { return std::make_shared<ProductPlan>(handle_, shape); });
  if (!own_ || !OwnProducts::fits(shape)) return run_by_library(plan, shape, operands, spare, stream);
  if (!plan.own) plan.own = own_->known(shape);
  if (plan.own == true) return own_->run(stream, own);
  if (plan.own == false || captures(stream)) return run_by_library(plan, shape, operands, spare, stream);
  plan.own = own_->tried(stream, shape, own, spare, [&](void* to) {
    ProductPlan::Operands there = operands;
    there.c = to;
    run_by_library(plan, shape, there, spare, stream);
  });
}

void Products::run_by_library(ProductPlan& plan, const ProductShape& shape, const ProductPlan::Operands& operands, void* spare,
                              cudaStream_t stream) {
  if (plan.chosen) return check(plan.run(*plan.chosen, operands, stream), "Matmul");
  if (choices_) {
    if (run_chosen_before(plan, shape, operands, stream)) return;
    if (!captures(stream)) {
      ProductPlan::Operands timed = operands;
      if (spare) timed.c = spare;
      plan.chosen = fastest(plan, timed, stream, waiter_);
      if (!plan.chosen) throw_no_algorithm(shape);
      choices_->keep(shape, *plan.chosen);
      return check(plan.run(*plan.chosen, operands, stream), "Matmul");
    }
  }
  lt::Status status = lt::not_supported;
  for (const ProductAlgorithm& algorithm : plan.proposed()) {
    status = plan.run(algorithm, operands, stream);
    if (refused(status)) continue;
    check(status, "Matmul");
    plan.chosen = algorithm;
    return;
  }
  if (status != lt::not_supported) check(status, "Matmul");
  throw_no_algorithm(shape);
}

bool Products::run_chosen_before(ProductPlan& plan, const ProductShape& shape, const ProductPlan::Operands& operands,
                                 cudaStream_t stream) {
  const ProductAlgorithm* kept = choices_->find(shape);
  if (!kept) return false;
  const lt::Status status = plan.run(*kept, operands, stream);
  // Of a damaged file, or a driver that takes this algorithm no more: chosen anew.
  if (refused(status)) return false;
  check(status, "Matmul");
  plan.chosen = *kept;
  return true;
}

}  // namespace cw
