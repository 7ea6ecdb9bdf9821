// One suite for all backends. A case is a struct of parameters with a name and a function that queues its op on a rig;
// each runs on every backend of CLIPWRIGHT_TEST_BACKENDS (default: all that are built) and on the reference.
// To rerun one alone: conformance --gtest_filter='*cpu_linear_T5_I7_O13*'
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "test/backends.h"
#include "test/conformance/rig.h"

namespace cw::test {

/// "x" of ops.h. A backend without one of them must refuse its cases.
inline constexpr DType kActivationTypes[] = {DType::f32, DType::bf16, DType::f16};

struct Case {
  std::string name;
  std::function<void(Rig&)> run;
  std::function<void(Rig&)> run_without_filler;  // null when the case has no filler
  DType type = DType::f32;                       // the activations'

  /// Why this backend cannot run it; empty when it can.
  std::string skipped_on(const Backend& backend) const;
};

/// P: a struct with name(), run(Rig&), `type` and, if it can have filler, `filler`.
template <class P>
Case make_case(const P& p) {
  Case c{p.name(), [p](Rig& rig) { p.run(rig); }, nullptr, p.type};
  if constexpr (requires { p.filler; }) {
    if (p.filler > 0) {
      P bare = p;
      bare.filler = 0;
      c.run_without_filler = [bare](Rig& rig) { bare.run(rig); };
    }
  }
  return c;
}

template <class P>
std::vector<Case> make_cases(const std::vector<P>& all) {
  std::vector<Case> cases;
  for (const P& p : all) cases.push_back(make_case(p));
  return cases;
}

std::vector<Case> operator+(std::vector<Case> a, const std::vector<Case>& b);
std::vector<Case> with_filler(const std::vector<Case>& all);

/// One of each name for the whole run: they keep packed weights and primitives, as in a session.
Backend& shared_backend(const std::string& name);
/// A name for a new weight, unique in the run.
uint32_t next_weight_id();

using Parameter = std::tuple<std::string, Case>;
std::string case_name(const testing::TestParamInfo<Parameter>& info);
void PrintTo(const Case& c, std::ostream* os);

class Conformance : public testing::TestWithParam<Parameter> {};
class Filler : public testing::TestWithParam<Parameter> {};

inline auto on_all_backends(const std::vector<Case>& cases) {
  return testing::Combine(testing::ValuesIn(tested_backends()), testing::ValuesIn(cases));
}

}  // namespace cw::test
