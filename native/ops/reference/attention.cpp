#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/reference/backend.h"
#include "ops/reference/matrix.h"

namespace cw {
namespace {

/// Calls body(s, r, first, last) for each asked-for row r: it sees packed rows first .. last of its sequence s.
template <class A, class Body>
void for_each_query(const A& a, Body&& body) {
  const auto offsets = indices(a.sequences.offsets);
  const auto asked = a.queries ? indices(a.queries.offsets) : offsets;
  const auto positions = a.queries ? indices(a.queries.positions) : std::vector<int32_t>{};
  for (int64_t s = 0; s < a.sequences.count; ++s)
    for (int64_t r = asked[s]; r < asked[s + 1]; ++r) {
      const int64_t position = a.queries ? positions[r] : r;
      body(r, offsets[s], a.causal ? position + 1 : offsets[s + 1]);
    }
}

double dot(const double* a, const double* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

void ReferenceBackend::run(const Attention& a) {
  const Matrix q(a.q), k(a.k), v(a.v);
  const int64_t width = q.cols / a.heads;
  const double scale = 1 / std::sqrt(static_cast<double>(width));
  Matrix y(q.rows, q.cols), lse(a.heads, q.rows);
  for (int64_t h = 0; h < a.heads; ++h)
    for_each_query(a, [&](int64_t r, int64_t first, int64_t last) {
      std::vector<double> p;
      double largest = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int64_t j = first; j < last; ++j) {
        p.push_back(scale * dot(q.row(r) + h * width, k.row(j) + h * width, width));
        largest = std::max(largest, p.back());
      }
      for (double& x : p) sum += x = std::exp(x - largest);
      for (int64_t j = first; j < last; ++j)
        for (int64_t i = 0; i < width; ++i) y(r, h * width + i) += p[j - first] / sum * v(j, h * width + i);
      lse(h, r) = largest + std::log(sum);
    });
  y.store(a.y);
  if (a.lse) lse.store(a.lse);
}

void ReferenceBackend::run(const AttentionGrad& a) {
  const Matrix q(a.q), k(a.k), v(a.v), lse(a.lse), dy(a.dy);
  const int64_t width = q.cols / a.heads;
  const double scale = 1 / std::sqrt(static_cast<double>(width));
  Matrix dq(q.rows, q.cols), dk(k.rows, k.cols), dv(v.rows, v.cols);
  for (int64_t h = 0; h < a.heads; ++h)
    for_each_query(a, [&](int64_t r, int64_t first, int64_t last) {
      const int64_t at = h * width;
      std::vector<double> p, dp;
      double delta = 0;  // Σ P∘dP
      for (int64_t j = first; j < last; ++j) {
        p.push_back(std::exp(scale * dot(q.row(r) + at, k.row(j) + at, width) - lse(h, r)));
        dp.push_back(dot(dy.row(r) + at, v.row(j) + at, width));
        delta += p.back() * dp.back();
      }
      for (int64_t j = first; j < last; ++j) {
        const double ds = p[j - first] * (dp[j - first] - delta) * scale;
        for (int64_t i = 0; i < width; ++i) {
          dq(r, at + i) += ds * k(j, at + i);
          dk(j, at + i) += ds * q(r, at + i);
          dv(j, at + i) += p[j - first] * dy(r, at + i);
        }
      }
    });
  dq.store(a.dq);
  dk.store(a.dk);
  dv.store(a.dv);
}

}  // namespace cw
