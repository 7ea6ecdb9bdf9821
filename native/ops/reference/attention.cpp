#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "ops/reference/backend.h"
#include "ops/reference/dropout.h"
#include "ops/reference/matrix.h"

namespace cw {
namespace {

/// Calls body(s, r, position, first, last) for each asked-for row r of sequence s, which stands at packed row `position`: it sees
/// packed rows first .. last of its sequence.
template <class A, class Body>
void for_each_query(const A& a, Body&& body) {
  const auto offsets = indices(a.sequences.offsets);
  const auto asked = a.queries ? indices(a.queries.offsets) : offsets;
  const auto positions = a.queries ? indices(a.queries.positions) : std::vector<int32_t>{};
  for (int64_t s = 0; s < a.sequences.count; ++s)
    for (int64_t r = asked[s]; r < asked[s + 1]; ++r) {
      const int64_t position = a.queries ? positions[r] : r;
      body(s, r, position, offsets[s], a.causal ? position + 1 : offsets[s + 1]);
    }
}

/// What a head's probabilities are multiplied by.
class Factors {
 public:
  Factors(const Drop& drop, int64_t head) {
    if (drop) draws_.emplace(drop), stream_ = draws_->stream(head);
  }
  /// Of a query and a key of sequence s.
  double operator()(int64_t s, int64_t q, int64_t k) const {
    if (!draws_) return 1;
    const auto query = static_cast<uint32_t>(q), key = static_cast<uint32_t>(k);
    const Philox4 draw = draw_square(stream_, draws_->first + static_cast<uint32_t>(s), query, key,
                                     number_in_square(query, key));
    return draws_->factor(draw, element_in_square(query, key));
  }

 private:
  std::optional<DropDraws> draws_;
  DropoutStream stream_{};
};

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
  for (int64_t h = 0; h < a.heads; ++h) {
    const Factors factor(a.drop, h);
    for_each_query(a, [&](int64_t s, int64_t r, int64_t position, int64_t first, int64_t last) {
      std::vector<double> p;
      double largest = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int64_t j = first; j < last; ++j) {
        p.push_back(scale * dot(q.row(r) + h * width, k.row(j) + h * width, width));
        largest = std::max(largest, p.back());
      }
      for (double& x : p) sum += x = std::exp(x - largest);
      for (int64_t j = first; j < last; ++j)
        for (int64_t i = 0; i < width; ++i)
          y(r, h * width + i) += p[j - first] / sum * factor(s, position - first, j - first) * v(j, h * width + i);
      lse(h, r) = largest + std::log(sum);
    });
  }
  y.store(a.y);
  if (a.lse) lse.store(a.lse);
}

void ReferenceBackend::run(const AttentionGrad& a) {
  const Matrix q(a.q), k(a.k), v(a.v), lse(a.lse), dy(a.dy);
  const int64_t width = q.cols / a.heads;
  const double scale = 1 / std::sqrt(static_cast<double>(width));
  Matrix dq(q.rows, q.cols), dk(k.rows, k.cols), dv(v.rows, v.cols);
  for (int64_t h = 0; h < a.heads; ++h) {
    const Factors factor(a.drop, h);
    for_each_query(a, [&](int64_t s, int64_t r, int64_t position, int64_t first, int64_t last) {
      const int64_t at = h * width;
      std::vector<double> p, dp;  // dp: of the probabilities before any was left out
      double delta = 0;  // Σ P∘dP
      for (int64_t j = first; j < last; ++j) {
        p.push_back(std::exp(scale * dot(q.row(r) + at, k.row(j) + at, width) - lse(h, r)));
        dp.push_back(dot(dy.row(r) + at, v.row(j) + at, width) * factor(s, position - first, j - first));
        delta += p.back() * dp.back();
      }
      for (int64_t j = first; j < last; ++j) {
        const double ds = p[j - first] * (dp[j - first] - delta) * scale;
        const double kept = p[j - first] * factor(s, position - first, j - first);
        for (int64_t i = 0; i < width; ++i) {
          dq(r, at + i) += ds * k(j, at + i);
          dk(j, at + i) += ds * q(r, at + i);
          dv(j, at + i) += kept * dy(r, at + i);
        }
      }
    });
  }
  dq.store(a.dq);
  dk.store(a.dk);
  dv.store(a.dv);
}

}  // namespace cw
