// Tokens in: embeddings, patches, and their gradients. T packed tokens, D width. Gradients are summed in packed order:
// threads share out columns (or whole output rows), never the tokens of one sum.
#include "ops/cpu/kernels/simd.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

constexpr int64_t kColumns = 64;  // a thread's share of a row in the scatters

int64_t last_row(const Sequences& s) { return s.offsets.as<int32_t>()[s.count]; }

template <class T>
void zero_row(T* y, int64_t d) {
  for_vectors(d, [&](int64_t i, int64_t n) { store_some(y + i, set1(0), n); });
}

template <class T, class Table>
void embed_typed(const Embed& op) {
  const int32_t *ids = op.ids.as<int32_t>(), *positions = op.position_ids.as<int32_t>();
  const float* type = op.token_type.as<float>();
  const int64_t d = op.y.cols, last = last_row(op.sequences);
#pragma omp parallel for schedule(static)
  for (int64_t t = 0; t < op.y.rows; ++t) {
    T* y = op.y.row<T>(t);
    if (t >= last) {
      zero_row(y, d);
      continue;
    }
    const Table* a = op.table.row<Table>(ids[t]);
    const float* b = op.positions.row<float>(positions[t]);
    for_vectors(d, [&](int64_t i, int64_t n) {
      V v = load_some(a + i, n) + load_some(b + i, n);
      if (type) v += load_some(type + i, n);
      store_some(y + i, v, n);
    });
  }
}

void zero_rows(const Tensor& t) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < t.rows; ++r) zero_row(t.row<float>(r), t.cols);
}

/// out[to[t]] += dy[t] for t < last, in that order. Rows below 0 are passed over.
template <class T>
void scatter(const Tensor& dy, const int32_t* to, int64_t last, const Tensor& out) {
  const int64_t d = dy.cols;
#pragma omp parallel for schedule(static)
  for (int64_t c = 0; c < d; c += kColumns) {
    const int64_t width = c + kColumns < d ? kColumns : d - c;
    for (int64_t t = 0; t < last; ++t) {
      if (to[t] < 0) continue;
      const T* from = dy.row<T>(t) + c;
      float* sum = out.row<float>(to[t]) + c;
      for_vectors(width, [&](int64_t i, int64_t n) { store_some(sum + i, load_some(sum + i, n) + load_some(from + i, n), n); });
    }
  }
}

template <class T>
void embed_grad_typed(const EmbedGrad& op) {
  const int64_t last = last_row(op.sequences);
  const auto add = [&](const Tensor& rows, const Tensor& out) {
    if (!out) return;
    if (!op.accumulate) zero_rows(out);
    scatter<T>(op.dy, rows.as<int32_t>(), last, out);
  };
  add(op.ids, op.dtable);
  add(op.position_ids, op.dpositions);
}

template <class T>
void vision_tokens_typed(const VisionTokens& op) {
  const int32_t *source = op.source.as<int32_t>(), *positions = op.position_ids.as<int32_t>();
  const int64_t d = op.y.cols, last = last_row(op.sequences);
#pragma omp parallel for schedule(static)
  for (int64_t t = 0; t < op.y.rows; ++t) {
    T* y = op.y.row<T>(t);
    if (t >= last) {
      zero_row(y, d);
      continue;
    }
    const float* b = op.positions.row<float>(positions[t]);
    if (source[t] < 0) {
      const float* a = op.class_embedding.as<float>();
      for_vectors(d, [&](int64_t i, int64_t n) { store_some(y + i, load_some(a + i, n) + load_some(b + i, n), n); });
    } else {
      const T* a = op.patches.row<T>(source[t]);
      for_vectors(d, [&](int64_t i, int64_t n) { store_some(y + i, load_some(a + i, n) + load_some(b + i, n), n); });
    }
  }
}

template <class T>
void class_grad(const VisionTokensGrad& op, int64_t last) {
  const int32_t* source = op.source.as<int32_t>();
  const int64_t d = op.dy.cols;
#pragma omp parallel for schedule(static)
  for (int64_t c = 0; c < d; c += kColumns) {
    const int64_t width = c + kColumns < d ? kColumns : d - c;
    float* sum = op.dclass.as<float>() + c;
    if (!op.accumulate) zero_row(sum, width);
    for (int64_t t = 0; t < last; ++t) {
      if (source[t] >= 0) continue;
      const T* from = op.dy.row<T>(t) + c;
      for_vectors(width, [&](int64_t i, int64_t n) { store_some(sum + i, load_some(sum + i, n) + load_some(from + i, n), n); });
    }
  }
}

template <class T>
void vision_tokens_grad_typed(const VisionTokensGrad& op) {
  const int32_t* source = op.source.as<int32_t>();
  const int64_t d = op.dy.cols, last = last_row(op.sequences);
  if (op.dpatches) {
    int64_t used = 0;
    for (int64_t t = 0; t < last; ++t) used += source[t] >= 0;
    if (used < op.dpatches.rows) {
#pragma omp parallel for schedule(static)
      for (int64_t p = 0; p < op.dpatches.rows; ++p) zero_row(op.dpatches.row<T>(p), d);
    }
#pragma omp parallel for schedule(static)
    for (int64_t t = 0; t < last; ++t) {
      if (source[t] < 0) continue;
      const T* from = op.dy.row<T>(t);
      T* to = op.dpatches.row<T>(source[t]);
      for_vectors(d, [&](int64_t i, int64_t n) { store_some(to + i, load_some(from + i, n), n); });
    }
  }
  if (op.dclass) class_grad<T>(op, last);
  if (op.dpositions) {
    if (!op.accumulate) zero_rows(op.dpositions);
    scatter<T>(op.dy, op.position_ids.as<int32_t>(), last, op.dpositions);
  }
}

/// One patch of interleaved bytes: columns c, y, x.
template <class T>
void patch_from_bytes(const Patchify& op, const uint8_t* image, int64_t top, int64_t left, T* y) {
  const int64_t p = op.patch;
  alignas(64) float row[3 * 64];  // a stretch of pixels as floats
  for (int64_t i = 0; i < p; ++i) {
    const uint8_t* pixels = image + ((top + i) * op.width + left) * 3;
    for (int64_t j0 = 0; j0 < p; j0 += 64) {
      const int64_t n = j0 + 64 < p ? 64 : p - j0;
      for (int64_t k = 0; k < 3 * n; ++k) row[k] = static_cast<float>(pixels[3 * j0 + k]);
      for (int64_t c = 0; c < 3; ++c) {
        const V scale = set1(1.0f / (255.0f * op.std[static_cast<size_t>(c)]));
        const V shift = set1(-op.mean[static_cast<size_t>(c)] / op.std[static_cast<size_t>(c)]);
        alignas(64) float channel[64];
        for (int64_t j = 0; j < n; ++j) channel[j] = row[3 * j + c];
        T* to = y + (c * p + i) * p + j0;
        for_vectors(n, [&](int64_t j, int64_t m) { store_some(to + j, fma(load_some(channel + j, m), scale, shift), m); });
      }
    }
  }
}

template <class T>
void patch_from_floats(const Patchify& op, const float* image, int64_t top, int64_t left, T* y) {
  const int64_t p = op.patch;
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; i < p; ++i) {
      const float* from = image + (c * op.height + top + i) * op.width + left;
      T* to = y + (c * p + i) * p;
      for_vectors(p, [&](int64_t j, int64_t n) { store_some(to + j, load_some(from + j, n), n); });
    }
}

template <class T>
void patchify_typed(const Patchify& op) {
  const int64_t across = op.width / op.patch, grid = across * (op.height / op.patch);
  const int32_t* wanted = op.patches.as<int32_t>();
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < op.y.rows; ++r) {
    const int64_t source = wanted ? wanted[r] : r, n = source / grid;
    const int64_t top = source % grid / across * op.patch, left = source % across * op.patch;
    if (op.images.dtype == DType::u8)
      patch_from_bytes(op, op.images.row<uint8_t>(n), top, left, op.y.row<T>(r));
    else
      patch_from_floats(op, op.images.row<float>(n), top, left, op.y.row<T>(r));
  }
}

void embed(const Embed& op) {
  with_storage(op.y.dtype, [&]<class T>(T) {
    op.table.dtype == DType::bf16 ? embed_typed<T, bf16>(op) : embed_typed<T, float>(op);
  });
}
void embed_grad(const EmbedGrad& op) {
  with_storage(op.dy.dtype, [&]<class T>(T) { embed_grad_typed<T>(op); });
}
void vision_tokens(const VisionTokens& op) {
  with_storage(op.y.dtype, [&]<class T>(T) { vision_tokens_typed<T>(op); });
}
void vision_tokens_grad(const VisionTokensGrad& op) {
  with_storage(op.dy.dtype, [&]<class T>(T) { vision_tokens_grad_typed<T>(op); });
}
void patchify(const Patchify& op) {
  with_storage(op.y.dtype, [&]<class T>(T) { patchify_typed<T>(op); });
}

}  // namespace

void add_tokens(Kernels& k) {
  k.embed = embed;
  k.embed_grad = embed_grad;
  k.vision_tokens = vision_tokens;
  k.vision_tokens_grad = vision_tokens_grad;
  k.patchify = patchify;
}

}  // namespace cw::CW_ISA
