#include "ops/cuda/product_plan.h"

#include <algorithm>
#include <memory>

#include "core/error.h"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kProposals = 8;

lt::DataType type_of(DType t) { return t == DType::f32 ? lt::r_32f : t == DType::bf16 ? lt::r_16bf : lt::r_16f; }

}  // namespace

void check(lt::Status status, const char* call) {
  if (status != lt::success)
    throw Error(Code::device, std::string("[cuda] cublasLt") + call + " failed with status " + std::to_string(status));
}

bool refused(lt::Status status) {
  return status == lt::not_supported || status == lt::invalid_value || status == lt::arch_mismatch;
}

void throw_no_algorithm(const ProductShape& shape) {
  throw Error(Code::unsupported, "[cuda] cuBLASLt " + std::to_string(lt::library().GetVersion()) +
                                     " has no algorithm for a product of " + shape.readable() +
                                     "; use another precision, or name another libcublasLt in CLIPWRIGHT_CUBLASLT");
}

size_t ProductShape::Hash::operator()(const ProductShape& s) const {
  size_t h = 0;
  for (const int64_t x : {static_cast<int64_t>(s.inputs), static_cast<int64_t>(s.output), s.m, s.n, s.k, s.a_stride, s.b_stride,
                          s.add_stride, s.c_stride, int64_t{s.a_alignment}, int64_t{s.b_alignment}, int64_t{s.add_alignment},
                          int64_t{s.c_alignment}, s.a_transposed * int64_t{4} + s.b_transposed * 2 + s.bias})
    h = h * 0x9e3779b97f4a7c15u + static_cast<size_t>(x) + (h >> 29);
  return h;
}

size_t ProductShape::workspace_limit() const {
  // NVIDIA advises 32 MiB for Hopper and later. Most of it holds sums of split products in f32, so small ones need less.
  constexpr size_t kLeast = size_t{64} << 10, kMost = size_t{32} << 20, kSplits = 32;
  return std::clamp(static_cast<size_t>(m) * static_cast<size_t>(n) * sizeof(float) * kSplits, kLeast, kMost);
}

std::string ProductShape::readable() const {
  const auto matrix = [](int64_t rows, int64_t cols, bool transposed) {
    return std::string("[") + std::to_string(transposed ? cols : rows) + ", " + std::to_string(transposed ? rows : cols) +
           (transposed ? "]T" : "]");
  };
  return matrix(m, k, a_transposed) + " x " + matrix(k, n, b_transposed) + " " + name_of(inputs) +
         (output == inputs ? "" : std::string(" to ") + name_of(output));
}

std::string ProductShape::key() const {
  std::string key = std::string(name_of(inputs)) + "," + name_of(output) + "," + (a_transposed ? "t" : "n") +
                    (b_transposed ? "t" : "n") + (bias ? "b" : "");
  for (const int64_t x : {m, n, k, a_stride, b_stride, add_stride, c_stride, int64_t{a_alignment}, int64_t{b_alignment},
                          int64_t{add_alignment}, int64_t{c_alignment}})
    key.append(",").append(std::to_string(x));
  return key;
}

ProductPlan::ProductPlan(lt::Handle handle, const ProductShape& s) : handle_(handle) {
  try {
    CW_LT(MatmulDescCreate, &desc_, lt::compute_32f, lt::r_32f);
    const auto set = [&](lt::DescAttribute attribute, auto value) {
      CW_LT(MatmulDescSetAttribute, desc_, attribute, &value, sizeof value);
    };
    set(lt::desc_transa, s.b_transposed ? lt::op_t : lt::op_n);
    set(lt::desc_transb, s.a_transposed ? lt::op_t : lt::op_n);
    set(lt::desc_epilogue, s.bias ? lt::epilogue_bias : lt::epilogue_default);
    const auto layout = [](lt::MatrixLayout* to, DType type, int64_t rows, int64_t cols, int64_t stride) {
      CW_LT(MatrixLayoutCreate, to, type_of(type), static_cast<uint64_t>(cols), static_cast<uint64_t>(rows), stride);
    };
    layout(&a_, s.inputs, s.a_transposed ? s.k : s.m, s.a_transposed ? s.m : s.k, s.a_stride);
    layout(&b_, s.inputs, s.b_transposed ? s.n : s.k, s.b_transposed ? s.k : s.n, s.b_stride);
    layout(&add_, s.output, s.m, s.n, s.add_stride);
    layout(&c_, s.output, s.m, s.n, s.c_stride);

    lt::Preference preference = nullptr;
    CW_LT(MatmulPreferenceCreate, &preference);
    const std::shared_ptr<void> owner(preference, [](void* it) {
      lt::library().MatmulPreferenceDestroy(static_cast<lt::Preference>(it));
    });
    const auto prefer = [&](lt::PreferenceAttribute attribute, auto value) {
      CW_LT(MatmulPreferenceSetAttribute, preference, attribute, &value, sizeof value);
    };
    prefer(lt::pref_max_workspace_bytes, uint64_t{s.workspace_limit()});
    // Parts of a sum are added in f32, never in 16 bits.
    prefer(lt::pref_reduction_scheme_mask, uint32_t{lt::reduction_none | lt::reduction_compute_type});
    prefer(lt::pref_min_alignment_a_bytes, s.b_alignment);
    prefer(lt::pref_min_alignment_b_bytes, s.a_alignment);
    prefer(lt::pref_min_alignment_c_bytes, s.add_alignment);
    prefer(lt::pref_min_alignment_d_bytes, s.c_alignment);

    lt::HeuristicResult results[kProposals] = {};
    int found = 0;
    const lt::Status status = lt::library().MatmulAlgoGetHeuristic(handle_, desc_, b_, a_, add_, c_, preference, kProposals,
                                                                    results, &found);
    if (status != lt::not_supported) check(status, "MatmulAlgoGetHeuristic");
    for (int i = 0; status == lt::success && i < std::min(found, kProposals); ++i)
      if (results[i].state == lt::success && results[i].workspace_size <= s.workspace_limit())
        proposed_.push_back({results[i].algo, results[i].workspace_size});
    if (proposed_.empty()) throw_no_algorithm(s);
  } catch (...) {
    destroy();
    throw;
  }
}

ProductPlan::~ProductPlan() { destroy(); }

void ProductPlan::destroy() {
  for (const lt::MatrixLayout layout : {a_, b_, add_, c_})
    if (layout) lt::library().MatrixLayoutDestroy(layout);
  if (desc_) lt::library().MatmulDescDestroy(desc_);
}

lt::Status ProductPlan::run(const ProductAlgorithm& algorithm, const Operands& o, cudaStream_t stream) const {
  if (o.bias) CW_LT(MatmulDescSetAttribute, desc_, lt::desc_bias_pointer, &o.bias, sizeof o.bias);
  const float one = 1;
  const lt::Status status = lt::library().Matmul(handle_, desc_, &one, o.b, b_, o.a, a_, &o.beta, o.add, add_, o.c, c_,
                                                 &algorithm.algo, algorithm.workspace ? o.workspace : nullptr,
                                                 algorithm.workspace, stream);
  if (status == lt::success) ++launches_of_thread;
  return status;
}

}  // namespace cw
