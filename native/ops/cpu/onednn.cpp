#include "ops/cpu/onednn.h"

#include <omp.h>

#include <cstring>
#include <string>
#include <utility>

#include "core/error.h"
#include "ops/backend.h"
#include "ops/cpu/isa.h"
#include "ops/cpu/kernels/table.h"
#include "ops/cpu/memory.h"
#include "ops/cpu/widen.h"

namespace cw {
namespace {

using dnnl::matmul;
using dnnl::memory;

/// 32 token buckets of both towers take some 1500; one primitive holds about 130 KiB, most of it code.
constexpr size_t kPrimitives = 4096;

/// oneDNN's packed layout is the same for every number of rows (checked from 1 to 12608 with oneDNN 3.2), so the one
/// that it picks for this many serves all.
constexpr int64_t kLayoutRows = 2048;

memory::data_type type_of(DType type) {
  switch (type) {
    case DType::f32: return memory::data_type::f32;
    case DType::bf16: return memory::data_type::bf16;
    case DType::u8: return memory::data_type::u8;
    case DType::i8: return memory::data_type::s8;
    case DType::i32: return memory::data_type::s32;
    default:
      throw Error(Code::unsupported, std::string("[cpu] products take f32 or bf16, got ") + name_of(type) +
                                         "; use precision fp32 or bf16 on this device");
  }
}

memory::desc strided(const Operand& m) {
  return memory::desc({m.rows, m.cols}, type_of(m.dtype), memory::dims{m.row_stride, m.col_stride});
}

/// Turns oneDNN's errors into ours, naming what was being made.
template <class Make>
auto guarded(const char* what, Make&& make) {
  try {
    return make();
  } catch (const dnnl::error& e) {
    const Code code = e.status == dnnl_out_of_memory   ? Code::out_of_memory
                      : e.status == dnnl_unimplemented ? Code::unsupported
                                                       : Code::device;
    throw Error(code, std::string("[cpu] oneDNN could not make ") + what + ": " + e.what());
  }
}

dnnl::primitive_attr with_user_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

/// As rows: b, or a matrix that b is the turned view of.
Tensor lying(const Operand& b) {
  return b.col_stride == 1 ? Tensor{b.data, b.dtype, b.rows, b.cols, b.row_stride}
                           : Tensor{b.data, b.dtype, b.cols, b.rows, b.col_stride};
}

/// The layout of right sides that our kernel of few rows reads, too: kPanel columns at a time, their rows in multiples of 16.
memory::desc panels(int64_t k, int64_t n, memory::data_type type) {
  return memory::desc({k, n}, type, memory::format_tag::BA16a64b);
}
/// Up to here our kernel turns f32 weights that lie as rows as fast as oneDNN reads them, or faster; what must be widened, to the last.
constexpr int64_t kFewLyingRows = 64;
int64_t panel_size(int64_t k) { return (k + 15) / 16 * 16 * kPanel; }
/// The same of words of four numbers of 8 bits.
constexpr memory::format_tag kPanelsOfWords = memory::format_tag::BA16a64b4a;
int64_t words_of_panel(int64_t k) { return (k + 63) / 64 * 16 * kPanel; }

}  // namespace

Operand Operand::transposed() const {
  Operand m = *this;
  std::swap(m.rows, m.cols);
  std::swap(m.row_stride, m.col_stride);
  return m;
}

// Arguments are bound once; a call only exchanges the pointers behind them.
struct OneDnn::Multiplication {
  matmul primitive;
  memory a, b, c, bias, addend, scratchpad;
  std::unordered_map<int, memory> arguments;
  size_t scratch = 0;
};

struct OneDnn::Reorder {
  dnnl::reorder primitive;
  memory from, to, scratchpad;
  std::unordered_map<int, memory> arguments;
  size_t scratch = 0;
};

size_t OneDnn::KeyHash::operator()(const Key& key) const {
  uint64_t h = 14695981039346656037u;
  for (const int64_t v : key) h = (h ^ static_cast<uint64_t>(v)) * 1099511628211u;
  return h ^ (h >> 29);
}

OneDnn::OneDnn() : multiplications_(kPrimitives), reorders_(kPrimitives), threads_(omp_get_max_threads()) {
  selected_isa();  // caps oneDNN's instruction set, which must come before its first call
  engine_ = dnnl::engine(dnnl::engine::kind::cpu, 0);
  stream_ = dnnl::stream(engine_);
}

OneDnn::~OneDnn() = default;

bool OneDnn::multiplies(DType type) const {
  return type == DType::f32 || (type == DType::bf16 && fast_bf16());
}

const memory::desc& OneDnn::packed_layout(int64_t k, int64_t n, DType type) {
  const Key key{k, n, static_cast<int64_t>(type)};
  if (const auto found = layouts_.find(key); found != layouts_.end()) return found->second;
  if ((type == DType::bf16 && !multiplies(type)) || (type == DType::f32 && !reads_panels()))
    return layouts_.emplace(key, panels(k, n, type_of(type))).first->second;
  const bool rounded = type == DType::i8;
  const memory::data_type t = type_of(type);
  if (rounded && own_rounded()) return layouts_.emplace(key, memory::desc({k, n}, t, kPanelsOfWords)).first->second;
  const memory::data_type left = rounded ? memory::data_type::u8 : t, sum = rounded ? memory::data_type::s32 : t;
  const auto tag = memory::format_tag::ab;
  const matmul::primitive_desc chosen = guarded("a product", [&] {
    return matmul::primitive_desc(engine_, memory::desc({kLayoutRows, k}, left, tag),
                                  memory::desc({k, n}, t, memory::format_tag::any),
                                  memory::desc({kLayoutRows, n}, sum, tag), with_user_scratchpad());
  });
  return layouts_.emplace(key, chosen.weights_desc()).first->second;
}

bool OneDnn::in_words(int64_t k, int64_t n, DType type) {
  using tag = memory::format_tag;
  const auto word = type == DType::i8 ? kPanelsOfWords : type == DType::bf16 && multiplies(type) ? tag::BA16a64b2a : tag::BA16a64b;
  const int64_t numbers = type == DType::i8 ? 4 : type == DType::bf16 && multiplies(type) ? 2 : 1;
  return k % (16 * numbers) == 0 && packed_layout(k, n, type) == memory::desc({k, n}, type_of(type), word);
}

OneDnn::Multiplication& OneDnn::multiplication(const Product& p) {
  const Operand &a = p.a, &b = p.b, &c = p.c, &d = p.addend;
  const int64_t flags = (p.bias ? 1 : 0) | (d.data ? 2 : 0) | (p.accumulate ? 4 : 0) | (b.packed ? 8 : 0);
  const int64_t types = static_cast<int64_t>(a.dtype) | static_cast<int64_t>(c.dtype) << 8 | static_cast<int64_t>(d.dtype) << 16;
  const Key key{c.rows, c.cols, a.cols, a.row_stride, a.col_stride, b.packed ? 0 : b.row_stride,
                b.packed ? 0 : b.col_stride, c.row_stride, c.col_stride, d.row_stride, flags, types};
  return *multiplications_.get(key, [&] {
    return guarded("a product", [&] {
      const auto f32 = memory::data_type::f32;
      dnnl::post_ops after;
      if (d.data) after.append_binary(dnnl::algorithm::binary_add, strided(d));
      if (p.accumulate) after.append_sum(1.0f);
      dnnl::primitive_attr attr = with_user_scratchpad();
      attr.set_post_ops(after);
      const memory::desc right = b.packed ? packed_layout(b.rows, b.cols, b.dtype) : strided(b);
      const memory::desc bias({1, c.cols}, f32, memory::format_tag::ab);
      const matmul::primitive_desc pd =
          p.bias ? matmul::primitive_desc(engine_, strided(a), right, bias, strided(c), attr)
                 : matmul::primitive_desc(engine_, strided(a), right, strided(c), attr);
      auto made = std::make_unique<Multiplication>();
      made->primitive = matmul(pd);
      const auto bind = [&](int argument, memory& m, const memory::desc& desc) {
        m = memory(desc, engine_, nullptr);
        made->arguments.emplace(argument, m);
      };
      bind(DNNL_ARG_SRC, made->a, pd.src_desc());
      bind(DNNL_ARG_WEIGHTS, made->b, pd.weights_desc());
      bind(DNNL_ARG_DST, made->c, pd.dst_desc());
      if (p.bias) bind(DNNL_ARG_BIAS, made->bias, bias);
      if (d.data) bind(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, made->addend, strided(d));
      bind(DNNL_ARG_SCRATCHPAD, made->scratchpad, pd.scratchpad_desc());
      made->scratch = pd.scratchpad_desc().get_size();
      return made;
    });
  });
}

bool OneDnn::streams(const Tensor& left, const Operand& b) const {
  const bool turned = b.row_stride == 1 && b.rows % 16 == 0 && b.cols % kPanel == 0 && !b.empty();
  const bool widens = b.dtype == DType::bf16 && !multiplies(b.dtype);
  if (!turned || left.dtype != DType::f32 || (b.dtype != DType::f32 && !widens)) return false;
  return left.rows <= (widens ? kFewRows : kFewLyingRows);
}

bool OneDnn::packs_panels(int64_t k, int64_t n, DType type) {
  return (type == DType::f32 || type == DType::bf16) && packed_layout(k, n, type) == panels(k, n, type_of(type));
}

bool OneDnn::in_panels(const Operand& b) { return b.packed && packs_panels(b.rows, b.cols, b.dtype); }

void OneDnn::widen_panels(Workspace& work, Operand& b) {
  if (b.dtype == DType::f32) return;
  const int64_t count = (b.cols + kPanel - 1) / kPanel, size = panel_size(b.rows);
  const Tensor wide = work.take(count, size, DType::f32);
  if (work.live()) kernels().cast(Tensor::of(b.data, b.dtype, count, size), wide);
  b.data = wide.data;
  b.dtype = DType::f32;
}

WidePanels OneDnn::wide_panels(Workspace& work, const Operand& b, int64_t rows) {
  Operand wide = b;
  widen_panels(work, wide);
  const Tensor scratch = work.take(threads_, static_cast<int64_t>(kernels().wide_scratch(rows, b.rows)), DType::u8);
  return {.data = static_cast<const float*>(wide.data), .panel = panel_size(b.rows), .scratch = scratch.data,
          .threads = static_cast<int>(threads_)};
}

bool OneDnn::in_panels(const Rounded& weights) { return weights.right.packed && own_rounded(); }

RoundedPanels OneDnn::rounded_panels(const Rounded& weights, const Tensor& rows, const Tensor& steps) {
  return {.data = weights.right.data, .panel = words_of_panel(weights.right.rows), .shift = weights.shift.as<int32_t>(),
          .scales = weights.scales, .rows = rows, .steps = steps};
}

bool OneDnn::multiply_few_rows(Workspace& work, const Product& p) {
  const Operand& b = p.b;
  if (!b.streamed) {
    if (p.a.rows > kFewRows || p.a.dtype != DType::f32 || p.c.dtype != DType::f32 || p.a.col_stride != 1) return false;
    if (!in_panels(b)) return false;
  }
  const auto rows = [](const Operand& m) { return Tensor{m.data, m.dtype, m.rows, m.cols, m.row_stride}; };
  if (work.live())
    kernels().few_rows({.x = rows(p.a), .w = b.data, .type = b.dtype, .stride = b.streamed ? b.col_stride : panel_size(b.rows),
                        .lying = b.streamed, .bias = p.bias, .addend = rows(p.addend), .y = rows(p.c), .accumulate = p.accumulate});
  return true;
}

void OneDnn::multiply(Workspace& work, const Product& asked) {
  if (asked.c.empty()) return;
  const Frame frame(work.arena());
  Product p = asked;
  if (p.a.cols == 0) {  // a sum of no terms: one term that is zero, so that bias and addend still arrive
    const Tensor zeros = work.take(1, std::max(p.c.rows, p.c.cols), p.a.dtype);
    if (work.live()) std::memset(zeros.data, 0, zeros.bytes());
    p.b = zeros.col_range(0, p.c.cols);
    p.a = Operand(zeros.col_range(0, p.c.rows)).transposed();
  }
  if (multiply_few_rows(work, p)) return;
  if (p.b.packed && p.a.dtype == DType::f32 && p.b.dtype == DType::bf16) widen_panels(work, p.b);  // panels of both lie alike
  Multiplication& m = multiplication(p);
  const Tensor scratchpad = work.take(1, static_cast<int64_t>(m.scratch), DType::u8);
  if (!work.live()) return;
  m.a.set_data_handle(p.a.data);
  m.b.set_data_handle(p.b.data);
  m.c.set_data_handle(p.c.data);
  if (p.bias) m.bias.set_data_handle(const_cast<float*>(p.bias));
  if (p.addend.data) m.addend.set_data_handle(p.addend.data);
  m.scratchpad.set_data_handle(scratchpad.data);
  m.primitive.execute(stream_, m.arguments);
}

void OneDnn::reorder(Workspace& work, const Operand& b, void* packed_data, Way way) {
  const bool in = way == Way::in;
  const Key key{b.rows, b.cols, b.row_stride, b.col_stride, static_cast<int64_t>(b.dtype), in ? 0 : 1};
  Reorder& r = *reorders_.get(key, [&] {
    return guarded("a packed copy", [&] {
      auto made = std::make_unique<Reorder>();
      const memory::desc plain = strided(b), packed = packed_layout(b.rows, b.cols, b.dtype);
      const memory::desc &from = in ? plain : packed, &to = in ? packed : plain;
      const dnnl::reorder::primitive_desc pd(engine_, from, engine_, to, with_user_scratchpad());
      made->primitive = dnnl::reorder(pd);
      made->from = memory(from, engine_, nullptr);
      made->to = memory(to, engine_, nullptr);
      made->scratchpad = memory(pd.scratchpad_desc(), engine_, nullptr);
      made->scratch = pd.scratchpad_desc().get_size();
      made->arguments = {{DNNL_ARG_FROM, made->from}, {DNNL_ARG_TO, made->to}, {DNNL_ARG_SCRATCHPAD, made->scratchpad}};
      return made;
    });
  });
  const Frame frame(work.arena());
  const Tensor scratchpad = work.take(1, static_cast<int64_t>(r.scratch), DType::u8);
  if (!work.live()) return;
  r.from.set_data_handle(in ? b.data : packed_data);
  r.to.set_data_handle(in ? packed_data : b.data);
  r.scratchpad.set_data_handle(scratchpad.data);
  r.primitive.execute(stream_, r.arguments);
}

void OneDnn::reorder(const Operand& b, void* packed, Way way) {
  Workspace measured = Workspace::measuring();
  reorder(measured, b, packed, way);
  const std::unique_ptr<Buffer> scratch = allocate_host(measured.peak());
  Workspace work = Workspace::over(Arena(scratch->data(), scratch->bytes()));
  reorder(work, b, packed, way);
}

Operand OneDnn::pack(Workspace& work, const Operand& b) {
  if (b.packed || b.empty()) return b;
  return !multiplies(b.dtype) || (b.dtype == DType::f32 && !reads_panels()) ? pack_widened(work, b) : pack_reordered(work, b);
}

Operand OneDnn::pack_reordered(Workspace& work, const Operand& b) {
  const size_t bytes = packed_layout(b.rows, b.cols, b.dtype).get_size();
  const Tensor copy = work.take(1, static_cast<int64_t>(bytes), DType::u8);
  reorder(work, b, copy.data);
  Operand packed = b;
  packed.data = copy.data;
  packed.packed = true;
  return packed;
}

Operand OneDnn::pack_widened(Workspace& work, const Operand& b) {
  if (packs_panels(b.rows, b.cols, DType::f32)) return panels_of(work, b);
  const bool by_rows = b.col_stride == 1;
  const Operand wide(widened(work, lying(b)));
  return pack_reordered(work, by_rows ? wide : wide.transposed());
}

Operand OneDnn::panels_of(Workspace& work, const Operand& b) {
  const Tensor from = lying(b), copy = work.take((b.cols + kPanel - 1) / kPanel, panel_size(b.rows), DType::f32);
  if (work.live() && b.col_stride == 1) kernels().widen_panels(from, copy);
  if (work.live() && b.col_stride != 1)
    for (int64_t i = 0; i < copy.rows; ++i) {
      const int64_t count = std::min(kPanel, b.cols - i * kPanel);
      float* const panel = copy.row<float>(i);
      if (count < kPanel) std::memset(panel, 0, static_cast<size_t>(copy.cols) * sizeof(float));
      else std::memset(panel + b.rows * kPanel, 0, static_cast<size_t>(copy.cols - b.rows * kPanel) * sizeof(float));
      kernels().transpose(from.row_range(i * kPanel, count), Tensor{panel, DType::f32, b.rows, count, kPanel}, {});
    }
  Operand packed = b;
  packed.data = copy.data;
  packed.dtype = DType::f32;
  packed.packed = true;
  return packed;
}

}  // namespace cw
