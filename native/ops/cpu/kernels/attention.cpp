// Attention of one head of one sequence at a time, in blocks of queries: logits live in the caches only. Backward
// recomputes the probabilities from lse. Source of the recurrence: Dao et al., FlashAttention (2022), appendix B.
// n keys of a sequence, padded to np; w head width, padded to wp columns or wu units; b queries of a block.
#include <omp.h>

#include "ops/cpu/kernels/attention_scratch.h"
#include "ops/cpu/kernels/attention_tile.h"
#include "ops/cpu/kernels/draws.h"
#include "ops/cpu/kernels/table.h"

namespace cw::CW_ISA {
namespace {

/// One sequence's rows: keys first .. first+n, queries q_first .. q_first+m.
struct Job {
  int64_t sequence, first, n, q_first, m;
};

template <class A>
Job job_of(const A& a, int64_t s) {
  const int32_t* offsets = a.sequences.offsets.template as<int32_t>();
  const int32_t* asked = a.queries ? a.queries.offsets.template as<int32_t>() : offsets;
  return {s, offsets[s], offsets[s + 1] - offsets[s], asked[s], asked[s + 1] - asked[s]};
}

/// Where in its sequence query row r stands.
template <class A>
inline int64_t position(const A& a, const Job& job, int64_t r) {
  return a.queries ? a.queries.positions.template as<int32_t>()[r] - job.first : r - job.q_first;
}

/// Keys that query row r may see.
template <class A>
inline int64_t visible(const A& a, const Job& job, int64_t r) {
  return a.causal ? position(a, job, r) + 1 : job.n;
}

/// Draws the factors of query row r's probabilities of its first n keys to `to`; null where none is left out.
template <class A>
inline const float* factors_of(const A& a, int64_t head, const Job& job, int64_t r, int64_t n, float* to) {
  if (!a.drop) return nullptr;
  const auto sequence = static_cast<uint32_t>(job.sequence), query = static_cast<uint32_t>(position(a, job, r));
  draw_query_of(Drawn(a.drop, head), sequence, query, n, to);
  return to;
}

/// The most that any query of rows first .. first+count may see.
template <class A>
inline int64_t most_visible(const A& a, const Job& job, int64_t first, int64_t count) {
  int64_t most = 0;
  for (int64_t r = first; r < first + count; ++r) {
    const int64_t v = visible(a, job, r);
    most = v > most ? v : most;
  }
  return most;
}

template <class T>
void zero_rows(const Tensor& t, int64_t from, int64_t to) {
#pragma omp parallel for schedule(static)
  for (int64_t r = from; r < to; ++r) {
    T* row = t.row<T>(r);
    for_vectors(t.cols, [&](int64_t i, int64_t n) { store_some(row + i, set1(0), n); });
  }
}

template <class P>
inline void zero_tail(P* p, int64_t from, int64_t to) {
  for (int64_t j = from; j < to; ++j) p[j] = P{};
}

/// Softmax of one row of logits over its first `seen` keys; p unnormalised in P's type, times the factors if there are any, zero
/// up to `end`. Gives 1/Σ and lse.
template <class P>
inline float softmax_row(const float* logits, const float* factors, P* p, int64_t seen, int64_t end, float scale, float* lse) {
  V most = set1(-3.0e38f);
  int64_t j = 0;
  for (; j + kWidth <= seen; j += kWidth) most = max(most, load(logits + j));
  float top = largest(most);
  for (; j < seen; ++j) top = logits[j] > top ? logits[j] : top;
  const V k = set1(scale), shift = set1(-top * scale);
  V total = set1(0);
  for (j = 0; j + kWidth <= seen; j += kWidth) {
    const V e = exp(fma(load(logits + j), k, shift));
    total += e;
    store(p + j, factors ? e * load(factors + j) : e);
  }
  if (j < seen) {
    const V e = keep(exp(fma(load(logits + j), k, shift)), seen - j);
    total += e;
    store(p + j, factors ? e * load(factors + j) : e);  // rows are padded to a whole vector
    j += kWidth;
  }
  zero_tail(p, j, end);
  const float s = sum(total);
  *lse = top * scale + __builtin_logf(s);
  return 1.0f / s;
}

template <class T>
void forward(const Attention& a, void* scratch, int threads) {
  using Unit = typename UnitOf<T>::Type;
  const int64_t heads = a.heads, jobs = a.sequences.count * heads, w = a.q.cols / heads;
  const Sizes<Unit> most(a.sequences.max_length, w);
  const size_t bytes = ForwardScratch<Unit>(most, nullptr).bytes;
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(w));
#pragma omp parallel num_threads(threads)
  {
    char* base = static_cast<char*>(scratch) + bytes * static_cast<size_t>(omp_get_thread_num());
    const ForwardScratch<Unit> x(most, base);
#pragma omp for schedule(dynamic)
    for (int64_t id = 0; id < jobs; ++id) {
      const int64_t h = id % heads, at = h * w;
      const Job job = job_of(a, id / heads);
      if (job.n == 0 || job.m == 0) continue;
      const Sizes<Unit> z(job.n, w);
      pack_turned<Unit>(a.k.row<T>(job.first) + at, a.k.stride, job.n, z.np, w, x.keys);
      pack_stacked<Unit>(a.v.row<T>(job.first) + at, a.v.stride, job.n, w, z.wp, x.values);
      for (int64_t q0 = job.q_first; q0 < job.q_first + job.m; q0 += kBlock) {
        const int64_t rest = job.q_first + job.m - q0, b = rest < kBlock ? rest : kBlock;
        const int64_t seen = most_visible(a, job, q0, b), np = round_up(seen, kWidth);
        pack_rows<Unit>(a.q.row<T>(q0) + at, a.q.stride, b, w, z.wu, x.q);
        multiply<Unit>(b, np, z.wu, {x.q, z.wu, 1}, x.keys, z.np, x.logits, np);
        float inverse[kBlock];
        for (int64_t i = 0; i < b; ++i) {
          const int64_t limit = visible(a, job, q0 + i);
          const float* factors = factors_of(a, h, job, q0 + i, limit, x.factors);
          float lse;
          inverse[i] = softmax_row(x.logits + i * np, factors, x.p + i * np, limit, np, scale, &lse);
          if (a.lse) a.lse.row<float>(h)[q0 + i] = lse;
        }
        const int64_t units = (seen + Unit::kPer - 1) / Unit::kPer;
        multiply<Unit>(b, z.wp, units, {reinterpret_cast<const uint32_t*>(x.p), np / Unit::kPer, 1}, x.values, z.wp, x.out,
                       z.wp);
        for (int64_t i = 0; i < b; ++i) {
          T* y = a.y.row<T>(q0 + i) + at;
          const float* out = x.out + i * z.wp;
          for_vectors(w, [&](int64_t c, int64_t n) { store_some(y + c, load_some(out + c, n) * set1(inverse[i]), n); });
        }
      }
    }
  }
  const int64_t end = (a.queries ? a.queries.offsets : a.sequences.offsets).as<int32_t>()[a.sequences.count];
  zero_rows<T>(a.y, end, a.y.rows);
  if (a.lse)
    for (int64_t h = 0; h < heads; ++h) zero_tail(a.lse.row<float>(h), end, a.lse.cols);
}

/// Rows i, i+1 of a block's P as pairs by column: out[i/2][j].
inline void turn_pairs(const bf16* p, int64_t b, int64_t np, uint32_t* out) {
  for (int64_t i = 0; i < b; i += 2)
    for (int64_t j = 0; j < np; ++j) out[i / 2 * np + j] = pair(p[i * np + j], i + 1 < b ? p[(i + 1) * np + j] : bf16{0});
}

/// A block's P as the left side of Pᵀ·X.
template <class Unit>
inline Left turned(const typename Unit::Value* p, uint32_t* space, int64_t b, int64_t np) {
  if constexpr (Unit::kPer == 2) {
    turn_pairs(p, b, np, space);
    return {space, 1, np};
  } else {
    return {reinterpret_cast<const uint32_t*>(p), 1, np};
  }
}

template <class T>
inline void store_rows(const float* from, int64_t ld, const Tensor& to, int64_t first, int64_t rows, int64_t at, int64_t w) {
  for (int64_t i = 0; i < rows; ++i) {
    T* y = to.row<T>(first + i) + at;
    for_vectors(w, [&](int64_t c, int64_t n) { store_some(y + c, load_some(from + i * ld + c, n), n); });
  }
}

template <class T>
void backward(const AttentionGrad& a, void* scratch, int threads) {
  using Unit = typename UnitOf<T>::Type;
  const int64_t heads = a.heads, jobs = a.sequences.count * heads, w = a.q.cols / heads;
  const Sizes<Unit> most(a.sequences.max_length, w);
  const size_t bytes = BackwardScratch<Unit>(most, nullptr).bytes;
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(w));
#pragma omp parallel num_threads(threads)
  {
    char* base = static_cast<char*>(scratch) + bytes * static_cast<size_t>(omp_get_thread_num());
    const BackwardScratch<Unit> x(most, base);
#pragma omp for schedule(dynamic)
    for (int64_t id = 0; id < jobs; ++id) {
      const int64_t h = id % heads, at = h * w;
      const Job job = job_of(a, id / heads);
      if (job.n == 0) continue;
      const Sizes<Unit> z(job.n, w);
      pack_turned<Unit>(a.k.row<T>(job.first) + at, a.k.stride, job.n, z.np, w, x.keys);
      pack_turned<Unit>(a.v.row<T>(job.first) + at, a.v.stride, job.n, z.np, w, x.values);
      pack_stacked<Unit>(a.k.row<T>(job.first) + at, a.k.stride, job.n, w, z.wp, x.stacked_keys);
      zero_tail(x.dk, 0, job.n * z.wp);
      zero_tail(x.dv, 0, job.n * z.wp);
      for (int64_t q0 = job.q_first; q0 < job.q_first + job.m; q0 += kBlock) {
        const int64_t rest = job.q_first + job.m - q0, b = rest < kBlock ? rest : kBlock;
        const int64_t seen = most_visible(a, job, q0, b), np = round_up(seen, kWidth);
        const T *q = a.q.row<T>(q0) + at, *dy = a.dy.row<T>(q0) + at;
        pack_rows<Unit>(q, a.q.stride, b, w, z.wu, x.q);
        pack_rows<Unit>(dy, a.dy.stride, b, w, z.wu, x.dy);
        pack_stacked<Unit>(q, a.q.stride, b, w, z.wp, x.stacked_q);
        pack_stacked<Unit>(dy, a.dy.stride, b, w, z.wp, x.stacked_dy);
        multiply<Unit>(b, np, z.wu, {x.q, z.wu, 1}, x.keys, z.np, x.logits, np);
        multiply<Unit>(b, np, z.wu, {x.dy, z.wu, 1}, x.values, z.np, x.dp, np);
        for (int64_t i = 0; i < b; ++i) {
          const int64_t limit = visible(a, job, q0 + i);
          const float* factors = factors_of(a, h, job, q0 + i, np, x.factors);
          float *s = x.logits + i * np, *d = x.dp + i * np;
          const V k = set1(scale), shift = set1(-a.lse.row<float>(h)[q0 + i]);
          V dots = set1(0);  // Σ P∘dP
          for (int64_t j = 0; j < np; j += kWidth) {
            const int64_t n = limit - j;
            const V raw = exp(fma(load(s + j), k, shift));
            const V p = n >= kWidth ? raw : n > 0 ? keep(raw, n) : set1(0);
            V dp = load(d + j), kept = p;
            if (factors) {
              const V by = load(factors + j);
              kept = p * by;
              store(d + j, dp = dp * by);
            }
            dots = fma(p, dp, dots);
            store(s + j, p);
            store(x.p + i * np + j, kept);
          }
          const V delta = set1(sum(dots));
          for (int64_t j = 0; j < np; j += kWidth)
            store(x.ds + i * np + j, load(s + j) * k * (load(d + j) - delta));
        }
        const int64_t units = (b + Unit::kPer - 1) / Unit::kPer;
        multiply<Unit>(seen, z.wp, units, turned<Unit>(x.p, x.turned_p, b, np), x.stacked_dy, z.wp, x.dv, z.wp, true);
        multiply<Unit>(seen, z.wp, units, turned<Unit>(x.ds, x.turned_ds, b, np), x.stacked_q, z.wp, x.dk, z.wp, true);
        multiply<Unit>(b, z.wp, (seen + Unit::kPer - 1) / Unit::kPer,
                       {reinterpret_cast<const uint32_t*>(x.ds), np / Unit::kPer, 1}, x.stacked_keys, z.wp, x.dq, z.wp);
        store_rows<T>(x.dq, z.wp, a.dq, q0, b, at, w);
      }
      store_rows<T>(x.dk, z.wp, a.dk, job.first, job.n, at, w);
      store_rows<T>(x.dv, z.wp, a.dv, job.first, job.n, at, w);
    }
  }
  const int64_t keys_end = a.sequences.offsets.as<int32_t>()[a.sequences.count];
  const int64_t rows_end = a.queries ? a.queries.offsets.as<int32_t>()[a.sequences.count] : keys_end;
  zero_rows<T>(a.dq, rows_end, a.dq.rows);
  zero_rows<T>(a.dk, keys_end, a.dk.rows);
  zero_rows<T>(a.dv, keys_end, a.dv.rows);
}

template <template <class> class Scratch, class A>
size_t scratch_bytes(const A& a, int threads) {
  const int64_t n = a.sequences.max_length, w = a.q.cols / a.heads;
  const size_t one = with_storage(a.q.dtype, [&]<class T>(T) {
    using Unit = typename UnitOf<T>::Type;
    return Scratch<Unit>(Sizes<Unit>(n, w), nullptr).bytes;
  });
  return one * static_cast<size_t>(threads);
}

size_t attention_scratch(const Attention& a, int threads) { return scratch_bytes<ForwardScratch>(a, threads); }
size_t attention_grad_scratch(const AttentionGrad& a, int threads) { return scratch_bytes<BackwardScratch>(a, threads); }

void attention(const Attention& a, void* scratch, int threads) {
  with_storage(a.q.dtype, [&]<class T>(T) { forward<T>(a, scratch, threads); });
}
void attention_grad(const AttentionGrad& a, void* scratch, int threads) {
  with_storage(a.q.dtype, [&]<class T>(T) { backward<T>(a, scratch, threads); });
}

}  // namespace

void add_attention(Kernels& k) {
  k.attention_scratch = attention_scratch;
  k.attention_grad_scratch = attention_grad_scratch;
  k.attention = attention;
  k.attention_grad = attention_grad;
}

}  // namespace cw::CW_ISA
