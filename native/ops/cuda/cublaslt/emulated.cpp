// cuBLASLt's functions, computed plainly on a lazy stream: no other epilogue than the bias, and alignment demanded as from
// kernels that use tensor cores: 16-bit products want pointers, strides and rows at multiples of 16 bytes. An algorithm holds
// the alignments that were promised for its operands, and is refused others. Sums in float.
#include "ops/cuda/cublaslt/emulated.h"

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "ops/cuda/emulation/block.h"
#include "ops/cuda/emulation/device_memory.h"
#include "ops/cuda/emulation/state.h"

namespace cw::lt {

struct Context {};
struct MatmulDescOpaque {
  Operation transa = op_n, transb = op_n;
  Epilogue epilogue = epilogue_default;
  const void* bias = nullptr;
};
struct MatrixLayoutOpaque {  // column-major
  DataType type;
  int64_t rows, cols, ld;
};
struct PreferenceOpaque {
  uint64_t workspace = 0;
  uint32_t reduction_schemes = 7;            // all
  uint32_t alignments[4] = {256, 256, 256, 256};  // a, b, c, d
};

namespace {

constexpr size_t kWorkspace = 256;

thread_local emulated::Log logged;
thread_local std::optional<Status> without;

thread_local bool in_no_time = false;

/// Beside the microsecond of a launch.
double ms_of(uint64_t algorithm) {
  if (in_no_time) return -0.0005;
  return algorithm == emulated::fast ? 0.002 : 0.005;
}

Algo make_algo(uint64_t algorithm, const PreferenceOpaque& preference) {
  Algo algo{.data = {algorithm}};
  for (size_t i = 0; i < 4; ++i) algo.data[1 + i] = preference.alignments[i];
  return algo;
}

bool as_promised(const Algo& algo, const void* const (&operands)[4]) {
  for (size_t i = 0; i < 4; ++i)
    if (algo.data[1 + i] == 0 || reinterpret_cast<uintptr_t>(operands[i]) % algo.data[1 + i]) return false;
  return true;
}

size_t size_of(DataType t) { return t == r_32f ? 4 : 2; }

float load(const std::byte* p, DataType type) {
  switch (type) {
    case r_32f: { float x; std::memcpy(&x, p, 4); return x; }
    case r_16f: { f16 x; std::memcpy(&x, p, 2); return to_float(x); }
    case r_16bf: { bf16 x; std::memcpy(&x, p, 2); return to_float(x); }
  }
  return 0;
}

void store(std::byte* p, DataType type, float value) {
  switch (type) {
    case r_32f: std::memcpy(p, &value, 4); break;
    case r_16f: { const f16 x = to_f16(value); std::memcpy(p, &x, 2); break; }
    case r_16bf: { const bf16 x = to_bf16(value); std::memcpy(p, &x, 2); break; }
  }
}

/// op(matrix) as floats, row-major.
std::vector<float> values(const void* data, const MatrixLayoutOpaque& l, Operation op) {
  const auto* p = static_cast<const std::byte*>(data);
  const int64_t rows = op == op_n ? l.rows : l.cols, cols = op == op_n ? l.cols : l.rows;
  std::vector<float> all(static_cast<size_t>(rows * cols));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) {
      const int64_t at = op == op_n ? c * l.ld + r : r * l.ld + c;
      all[static_cast<size_t>(r * cols + c)] = load(p + static_cast<size_t>(at) * size_of(l.type), l.type);
    }
  return all;
}

bool aligned(const void* p, const MatrixLayoutOpaque& l, size_t to) {
  return reinterpret_cast<uintptr_t>(p) % to == 0 && static_cast<size_t>(l.ld) * size_of(l.type) % to == 0 &&
         static_cast<size_t>(l.rows) * size_of(l.type) % to == 0;
}

bool whole(const void* p, const MatrixLayoutOpaque& l) {
  return l.ld >= l.rows &&
         emulation::on_device(p, (static_cast<size_t>(l.ld) * static_cast<size_t>(l.cols - 1) + static_cast<size_t>(l.rows)) * size_of(l.type));
}

void multiply(const MatmulDescOpaque& desc, float alpha, const void* a, const MatrixLayoutOpaque& la, const void* b,
              const MatrixLayoutOpaque& lb, float beta, const void* c, const MatrixLayoutOpaque& lc, void* d,
              const MatrixLayoutOpaque& ld, bool backwards) {
  const std::vector<float> left = values(a, la, desc.transa), right = values(b, lb, desc.transb);
  const int64_t m = ld.rows, n = ld.cols, k = desc.transa == op_n ? la.cols : la.rows;
  std::vector<float> out(static_cast<size_t>(m * n), 0.0f);  // row-major
  for (int64_t i = 0; i < m; ++i)
    for (int64_t step = 0; step < k; ++step) {
      const int64_t l = backwards ? k - 1 - step : step;
      const float x = left[static_cast<size_t>(i * k + l)];
      const float* from = &right[static_cast<size_t>(l * n)];
      float* to = &out[static_cast<size_t>(i * n)];
      for (int64_t j = 0; j < n; ++j) to[j] += x * from[j];
    }
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      float y = alpha * out[static_cast<size_t>(i * n + j)];
      if (beta != 0) y += beta * load(static_cast<const std::byte*>(c) + static_cast<size_t>(j * lc.ld + i) * size_of(lc.type), lc.type);
      if (desc.epilogue == epilogue_bias) y += load(static_cast<const std::byte*>(desc.bias) + static_cast<size_t>(i) * size_of(ld.type), ld.type);
      store(static_cast<std::byte*>(d) + static_cast<size_t>(j * ld.ld + i) * size_of(ld.type), ld.type, y);
    }
}

bool shapes_agree(const MatmulDescOpaque& desc, const MatrixLayoutOpaque& a, const MatrixLayoutOpaque& b,
                  const MatrixLayoutOpaque& c, const MatrixLayoutOpaque& d) {
  const bool ta = desc.transa == op_t, tb = desc.transb == op_t;
  return (ta ? a.cols : a.rows) == d.rows && (tb ? b.rows : b.cols) == d.cols && (ta ? a.rows : a.cols) == (tb ? b.cols : b.rows) &&
         c.rows == d.rows && c.cols == d.cols && a.type == b.type && c.type == d.type && (d.type == a.type || d.type == r_32f) &&
         (desc.epilogue == epilogue_default || desc.epilogue == epilogue_bias);
}

template <class T>
Status put(T& to, const void* from, size_t bytes) {
  if (bytes != sizeof(T)) return invalid_value;
  std::memcpy(&to, from, bytes);
  return success;
}

const Library table{
    .Create = [](Handle* h) { *h = new Context; return success; },
    .Destroy = [](Handle h) { delete h; return success; },
    .GetVersion = []() -> size_t { return 130000; },
    .MatmulDescCreate = [](MatmulDesc* d, ComputeType, DataType) { *d = new MatmulDescOpaque; return success; },
    .MatmulDescDestroy = [](MatmulDesc d) { delete d; return success; },
    .MatmulDescSetAttribute =
        [](MatmulDesc d, DescAttribute attribute, const void* from, size_t bytes) {
          switch (attribute) {
            case desc_transa: return put(d->transa, from, bytes);
            case desc_transb: return put(d->transb, from, bytes);
            case desc_epilogue: return put(d->epilogue, from, bytes);
            case desc_bias_pointer: return put(d->bias, from, bytes);
          }
          return invalid_value;
        },
    .MatrixLayoutCreate =
        [](MatrixLayout* l, DataType type, uint64_t rows, uint64_t cols, int64_t ld) {
          *l = new MatrixLayoutOpaque{type, static_cast<int64_t>(rows), static_cast<int64_t>(cols), ld};
          return success;
        },
    .MatrixLayoutDestroy = [](MatrixLayout l) { delete l; return success; },
    .MatmulPreferenceCreate = [](Preference* p) { *p = new PreferenceOpaque; return success; },
    .MatmulPreferenceDestroy = [](Preference p) { delete p; return success; },
    .MatmulPreferenceSetAttribute =
        [](Preference p, PreferenceAttribute attribute, const void* from, size_t bytes) {
          if (attribute == pref_max_workspace_bytes) return put(p->workspace, from, bytes);
          if (attribute == pref_reduction_scheme_mask) return put(p->reduction_schemes, from, bytes);
          if (attribute < pref_min_alignment_a_bytes || attribute > pref_min_alignment_d_bytes) return invalid_value;
          return put(p->alignments[attribute - pref_min_alignment_a_bytes], from, bytes);
        },
    .MatmulAlgoGetHeuristic =
        [](Handle, MatmulDesc desc, MatrixLayout a, MatrixLayout b, MatrixLayout c, MatrixLayout d, Preference preference,
           int requested, HeuristicResult* results, int* returned) {
          *returned = 0;
          logged.reduction_schemes = preference->reduction_schemes;
          std::memcpy(logged.alignments, preference->alignments, sizeof logged.alignments);
          logged.requested = requested;
          ++logged.questions;
          if (without) return *without;
          if (requested < 1 || !shapes_agree(*desc, *a, *b, *c, *d)) return not_supported;
          for (const uint64_t algorithm : {emulated::refused_at_once, emulated::refused_later, emulated::refused_oddly, emulated::slow, emulated::fast})
            if (*returned < requested)
              results[(*returned)++] = {
                  .algo = make_algo(algorithm, *preference),
                  .workspace_size = algorithm == emulated::slow && preference->workspace >= kWorkspace ? kWorkspace : 0,
                  .state = algorithm == emulated::refused_at_once ? not_supported : success};
          return success;
        },
    .Matmul =
        [](Handle, MatmulDesc desc, const void* alpha, const void* a, MatrixLayout la, const void* b, MatrixLayout lb,
           const void* beta, const void* c, MatrixLayout lc, void* d, MatrixLayout ld, const Algo* algo, void* workspace,
           size_t workspace_size, cudaStream_t stream) {
          constexpr size_t kBias = 16;  // PyTorch's promise for it, too: what less would do is nowhere said
          const size_t unit = la->type == r_32f ? 4 : 16;
          if (!shapes_agree(*desc, *la, *lb, *lc, *ld) || (desc->epilogue == epilogue_bias && !desc->bias)) return not_supported;
          // Refused, these would be hidden by the next algorithm.
          const auto wrong = [](const char* what) {
            emulation::break_device(emulation::current_device(), std::string("cublasLtMatmul was given ") + what);
            return execution_failed;
          };
          if (desc->epilogue == epilogue_bias && reinterpret_cast<uintptr_t>(desc->bias) % kBias) return wrong("an unaligned bias");
          if (!aligned(a, *la, unit) || !aligned(b, *lb, unit) || !aligned(c, *lc, unit) || !aligned(d, *ld, unit)) return not_supported;
          const uint64_t algorithm = algo->data[0];
          if (algorithm == emulated::refused_later) return not_supported;
          if ((algorithm != emulated::slow && algorithm != emulated::fast) || !as_promised(*algo, {a, b, c, d})) return invalid_value;
          if (!whole(a, *la) || !whole(b, *lb) || !whole(c, *lc) || !whole(d, *ld)) return wrong("less than a matrix");
          if (workspace_size && !emulation::on_device(workspace, workspace_size)) return wrong("a workspace that is not there");
          if (workspace_size && reinterpret_cast<uintptr_t>(workspace) % 256) return wrong("an unaligned workspace");
          float scale = 0, keep = 0;
          std::memcpy(&scale, alpha, sizeof scale);
          std::memcpy(&keep, beta, sizeof keep);
          const auto work = [=, desc = *desc, la = *la, lb = *lb, lc = *lc, ld = *ld] {
            if (workspace_size) std::memset(workspace, 0xff, workspace_size);  // nobody may rely on what lies there
            multiply(desc, scale, a, la, b, lb, keep, c, lc, d, ld, algorithm == emulated::fast);
            emulation::pass_time(ms_of(algorithm));
          };
          ++logged.products[algorithm];
          return emulation::launch_on(stream, {"cublasLtMatmul", 1, 1}, work) == cudaSuccess ? success : execution_failed;
        },
};

}  // namespace

const Library& library() { return table; }

emulated::Log& emulated::log() { return logged; }
emulated::WithoutAlgorithms::WithoutAlgorithms(Status status) { without = status; }
emulated::WithoutAlgorithms::~WithoutAlgorithms() { without.reset(); }
emulated::InNoTime::InNoTime() { in_no_time = true; }
emulated::InNoTime::~InNoTime() { in_no_time = false; }

}  // namespace cw::lt
