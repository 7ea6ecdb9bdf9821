// The same seed, the same bits: runs of some steps in micro-batches, in every precision, as test/clip/repeat.test.ts has them
// through the whole library.
#include <gtest/gtest.h>

#include "test/session_fixture.h"

namespace cw::test {
namespace {

class RepeatTest : public SessionTest {
 protected:
  struct Run {
    std::vector<float> losses;
    std::vector<std::vector<float>> weights, features;
    bool operator==(const Run&) const = default;
  };
  Run trained(DType precision, uint64_t seed) {
    Session s = make(precision);
    s.initialize(seed);
    if (precision == DType::f16) s.set_loss_scaling({.value = kFits});
    const int optimizer = s.create_optimizer(adamw_spec(s));
    TinyBatch b(config(), 6, 1);
    b.batch.micro_batch = 4;
    Run run;
    for (int i = 0; i < 4; ++i) run.losses.push_back(s.step(b.batch, optimizer, {.lr = 1e-2f}).loss.loss);
    run.weights = read_all(s, Slot::value);
    run.features.assign(2, std::vector<float>(static_cast<size_t>(6 * config().embed_dim)));
    s.encode_images(b.batch.images, true, run.features[0].data());
    s.encode_texts(b.batch.tokens, true, run.features[1].data());
    return run;
  }
};

TEST_P(RepeatTest, TwoRunsFromOneSeedEndWithEqualBits) {
  for (const DType precision : {DType::f32, DType::bf16, DType::f16}) {
    SCOPED_TRACE(name_of(precision));
    const Run one = trained(precision, 3);
    EXPECT_LT(one.losses.back(), one.losses.front());
    EXPECT_TRUE(trained(precision, 3) == one);
    EXPECT_FALSE(trained(precision, 4).weights == one.weights);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, RepeatTest, on_backends(Text::causal, Text::bert, Text::roberta, Text::bare), test_name);

}  // namespace
}  // namespace cw::test
