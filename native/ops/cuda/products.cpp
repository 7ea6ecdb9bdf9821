#include "ops/cuda/products.h"

#include <string>

#include "core/error.h"

namespace cw {
namespace {

constexpr size_t kMaxWorkspace = size_t{32} << 20;  // what NVIDIA advises for Hopper and later
constexpr size_t kPlans = 1024;

void check(lt::Status status, const char* call) {
  if (status != lt::success)
    throw Error(Code::device, std::string("[cuda] cublasLt") + call + " failed with status " + std::to_string(status));
}
#define CW_LT(name, ...) check(lt::library().name(__VA_ARGS__), #name)

lt::DataType type_of(DType t) { return t == DType::f32 ? lt::r_32f : t == DType::bf16 ? lt::r_16bf : lt::r_16f; }

/// 16-bit products want rows at multiples of 16 bytes and of eight elements.
int64_t unit_of(DType inputs) { return inputs == DType::f32 ? 1 : 8; }
int64_t padded(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

uint32_t alignment(const void* p, DType type) {
  return reinterpret_cast<uintptr_t>(p) % 16 == 0 ? 16 : static_cast<uint32_t>(size_of(type));
}

bool aligned(const Tensor& t) {
  return reinterpret_cast<uintptr_t>(t.data) % 16 == 0 && t.stride * static_cast<int64_t>(size_of(t.dtype)) % 16 == 0;
}

}  // namespace

/// What cuBLASLt chooses an algorithm by. Its matrices are column-major: its A is our b, its B our a, its D our cᵀ.
struct Products::Shape {
  DType inputs, output;
  int64_t m, n, k;  // ours
  bool a_transposed, b_transposed, bias;
  int64_t a_stride, b_stride, add_stride, c_stride;
  uint32_t a_alignment, b_alignment, add_alignment, c_alignment;
  bool operator==(const Shape&) const = default;
};

/// "[64, 768]T x [64, 3072] bf16 to f32", for people.
std::string Products::readable(const Shape& s) {
  const auto matrix = [](int64_t rows, int64_t cols, bool transposed) {
    return std::string("[") + std::to_string(transposed ? cols : rows) + ", " + std::to_string(transposed ? rows : cols) +
           (transposed ? "]T" : "]");
  };
  return matrix(s.m, s.k, s.a_transposed) + " x " + matrix(s.k, s.n, s.b_transposed) + " " + name_of(s.inputs) +
         (s.output == s.inputs ? "" : std::string(" to ") + name_of(s.output));
}

struct Products::Hash {
  size_t operator()(const Shape& s) const {
    size_t h = 0;
    for (const int64_t x : {static_cast<int64_t>(s.inputs), static_cast<int64_t>(s.output), s.m, s.n, s.k, s.a_stride,
                            s.b_stride, s.add_stride, s.c_stride, s.a_transposed * int64_t{4} + s.b_transposed * 2 + s.bias})
      h = h * 0x9e3779b97f4a7c15u + static_cast<size_t>(x) + (h >> 29);
    return h;
  }
};

struct Products::Plan {
  lt::MatmulDesc desc = nullptr;
  lt::MatrixLayout a = nullptr, b = nullptr, add = nullptr, c = nullptr;
  lt::Algo algo{};
  size_t workspace = 0;

  ~Plan() {
    for (const lt::MatrixLayout layout : {a, b, add, c})
      if (layout) lt::library().MatrixLayoutDestroy(layout);
    if (desc) lt::library().MatmulDescDestroy(desc);
  }
};

Products::Products(Profile& profile)
    : profile_(profile), plans_(std::make_unique<LruCache<Shape, std::shared_ptr<Plan>, Hash>>(kPlans)) {
  CW_LT(Create, &handle_);
}

Products::~Products() {
  plans_.reset();
  if (handle_) lt::library().Destroy(handle_);
}

Products::Plan& Products::plan(const Shape& s) {
  const auto make = [&] {
    auto p = std::make_shared<Plan>();
    CW_LT(MatmulDescCreate, &p->desc, lt::compute_32f, lt::r_32f);
    const auto set = [&](lt::DescAttribute attribute, auto value) {
      CW_LT(MatmulDescSetAttribute, p->desc, attribute, &value, sizeof value);
    };
    set(lt::desc_transa, s.b_transposed ? lt::op_t : lt::op_n);
    set(lt::desc_transb, s.a_transposed ? lt::op_t : lt::op_n);
    set(lt::desc_epilogue, s.bias ? lt::epilogue_bias : lt::epilogue_default);
    const auto layout = [](lt::MatrixLayout* to, DType type, int64_t rows, int64_t cols, int64_t stride) {
      CW_LT(MatrixLayoutCreate, to, type_of(type), static_cast<uint64_t>(cols), static_cast<uint64_t>(rows), stride);
    };
    layout(&p->a, s.inputs, s.a_transposed ? s.k : s.m, s.a_transposed ? s.m : s.k, s.a_stride);
    layout(&p->b, s.inputs, s.b_transposed ? s.n : s.k, s.b_transposed ? s.k : s.n, s.b_stride);
    layout(&p->add, s.output, s.m, s.n, s.add_stride);
    layout(&p->c, s.output, s.m, s.n, s.c_stride);

    lt::Preference preference = nullptr;
    CW_LT(MatmulPreferenceCreate, &preference);
    const std::shared_ptr<void> owner(preference, [](void* it) {
      lt::library().MatmulPreferenceDestroy(static_cast<lt::Preference>(it));
    });
    const auto prefer = [&](lt::PreferenceAttribute attribute, auto value) {
      CW_LT(MatmulPreferenceSetAttribute, preference, attribute, &value, sizeof value);
    };
    prefer(lt::pref_max_workspace_bytes, uint64_t{kMaxWorkspace});
    prefer(lt::pref_min_alignment_a_bytes, s.b_alignment);
    prefer(lt::pref_min_alignment_b_bytes, s.a_alignment);
    prefer(lt::pref_min_alignment_c_bytes, s.add_alignment);
    prefer(lt::pref_min_alignment_d_bytes, s.c_alignment);

    lt::HeuristicResult best{};
    int found = 0;
    CW_LT(MatmulAlgoGetHeuristic, handle_, p->desc, p->b, p->a, p->add, p->c, preference, 1, &best, &found);
    if (found == 0)
      throw Error(Code::unsupported, "[cuda] cuBLASLt has no algorithm for a product of [" + std::to_string(s.m) + ", " +
                                         std::to_string(s.k) + "] and [" + std::to_string(s.k) + ", " +
                                         std::to_string(s.n) + "] in " + name_of(s.inputs));
    p->algo = best.algo;
    p->workspace = best.workspace_size;
    return p;
  };
  return *plans_->get(s, make);
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
  const Tensor bias = p.bias ? fitted(p.bias, 1, pn, p.c.dtype) : Tensor{};

  const Shape shape{.inputs = type,
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
                                 .a_alignment = alignment(a.data, type),
                                 .b_alignment = alignment(b.data, type),
                                 .add_alignment = alignment(add.data, c.dtype),
                                 .c_alignment = alignment(c.data, c.dtype)};
  const Plan& plan = this->plan(shape);
  const Tensor workspace = work.take(1, static_cast<int64_t>(plan.workspace), DType::u8);
  if (!work.live()) return;
  if (bias) CW_LT(MatmulDescSetAttribute, plan.desc, lt::desc_bias_pointer, &bias.data, sizeof bias.data);
  const auto span = profile_.on() ? profile_.span(stream, "product", readable(shape)) : Profile::Span{};
  const float one = 1, beta = p.add ? 1 : 0;
  CW_LT(Matmul, handle_, plan.desc, &one, b.data, plan.b, a.data, plan.a, &beta, add.data, plan.add, c.data, plan.c,
        &plan.algo, plan.workspace ? workspace.data : nullptr, plan.workspace, stream);
  if (c.data != p.c.data) padded_copy(stream, c, p.c);
}

}  // namespace cw
