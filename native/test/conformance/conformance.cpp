#include "test/conformance/conformance.h"

#include <cmath>
#include <map>
#include <span>
#include <sstream>

#include "core/error.h"

namespace cw::test {
namespace {

std::vector<Result> results_of(const std::function<void(Rig&)>& run, const std::string& backend) {
  Rig rig(shared_backend(backend));
  run(rig);
  return rig.results();
}

double root_mean_square(std::span<const double> values) {
  double sum = 0, count = 0;
  for (const double v : values)
    if (std::isfinite(v)) {
      sum += v * v;
      ++count;
    }
  return count > 0 ? std::sqrt(sum / count) : 0;
}

bool within(double got, double want, double most) {
  if (std::isnan(want)) return std::isnan(got);
  return got == want || std::abs(got - want) <= most;  // NaN and a wrong infinity are neither
}

/// Compares the rows and columns that both have.
void expect_close(const Result& got, const Result& want) {
  const std::span<const double> wanted(want.values);
  const double all = root_mean_square(wanted);
  int64_t wrong = 0;
  std::ostringstream first;
  for (int64_t r = 0; r < std::min(got.rows, want.rows); ++r) {
    const auto cols = static_cast<size_t>(want.cols);
    const double rms = std::max(all, root_mean_square(wanted.subspan(static_cast<size_t>(r) * cols, cols)));
    for (int64_t c = 0; c < std::min(got.cols, want.cols); ++c) {
      const double g = got.values[static_cast<size_t>(r * got.cols + c)];
      const double w = want.values[static_cast<size_t>(r * want.cols + c)];
      const double most = allowed(want.tolerance, want.dtype, w, rms);
      if (within(g, w, most)) continue;
      if (wrong++ == 0)
        first << "[" << r << ", " << c << "] is " << g << ", expected " << w << " within " << most;
    }
  }
  EXPECT_EQ(wrong, 0) << got.name << " " << name_of(got.dtype) << " [" << got.rows << ", " << got.cols
                      << "]: " << wrong << " values are wrong; the first, " << first.str();
}

void expect_zeros_past(const Result& got, int64_t rows, int64_t cols) {
  for (int64_t r = 0; r < got.rows; ++r)
    for (int64_t c = r < rows ? cols : 0; c < got.cols; ++c)
      ASSERT_EQ(got.values[static_cast<size_t>(r * got.cols + c)], 0)
          << got.name << ": filler at [" << r << ", " << c << "] must be zero";
}

/// What a backend does not support it must refuse, rather than give something else.
void expect_refused(const Case& c, const std::string& backend) {
  Rig rig(shared_backend(backend));
  try {
    c.run(rig);
    ADD_FAILURE() << backend << " was expected to refuse " << c.name;
  } catch (const Error& e) {
    EXPECT_EQ(e.code, Code::unsupported) << e.what();
  }
}

}  // namespace

std::string Case::skipped_on(const Backend& backend) const {
  return backend.computes(type) ? "" : backend.name() + " does not compute in " + name_of(type);
}

std::vector<Case> operator+(std::vector<Case> a, const std::vector<Case>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<Case> with_filler(const std::vector<Case>& all) {
  std::vector<Case> some;
  for (const Case& c : all)
    if (c.run_without_filler) some.push_back(c);
  return some;
}

Backend& shared_backend(const std::string& name) {
  static std::map<std::string, std::unique_ptr<Backend>> all;
  std::unique_ptr<Backend>& one = all[name];
  if (!one) one = make_backend(name, 2);
  return *one;
}

uint32_t next_weight_id() {
  static uint32_t last = 0;
  return ++last;
}

std::string case_name(const testing::TestParamInfo<Parameter>& info) {
  return as_test_name(std::get<0>(info.param) + "_" + std::get<1>(info.param).name);
}

void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

TEST_P(Conformance, EqualsReferenceAndRepeats) {
  const auto& [backend, c] = GetParam();
  if (const std::string why = c.skipped_on(shared_backend(backend)); !why.empty()) {
    expect_refused(c, backend);
    GTEST_SKIP() << why;
  }
  const std::vector<Result> got = results_of(c.run, backend), want = results_of(c.run, "reference");
  ASSERT_FALSE(want.empty());
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) expect_close(got[i], want[i]);
  const std::vector<Result> again = results_of(c.run, backend);
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(got[i].bits, again[i].bits) << got[i].name << ": the same op gave other bits the second time";
}

TEST_P(Filler, ChangesNothing) {
  const auto& [backend, c] = GetParam();
  if (const std::string why = c.skipped_on(shared_backend(backend)); !why.empty()) GTEST_SKIP() << why;
  const std::vector<Result> got = results_of(c.run, backend), bare = results_of(c.run_without_filler, backend);
  ASSERT_EQ(got.size(), bare.size());
  for (size_t i = 0; i < got.size(); ++i) {
    expect_close(got[i], bare[i]);
    if (got[i].tolerance.zero_past_rows) expect_zeros_past(got[i], bare[i].rows, bare[i].cols);
  }
}

}  // namespace cw::test
