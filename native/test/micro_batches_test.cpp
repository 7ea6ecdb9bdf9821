// A batch in slices against the whole one: the same gradients, and no more passes than it needs.
#include <gtest/gtest.h>

#include <string>

#include "engine/session.h"
#include "test/finite_differences.h"
#include "test/session_fixture.h"

namespace cw::test {
namespace {

TEST_P(SessionTest, MicroBatchesChangeNothingButRounding) {
  Session s = make();
  s.initialize(3);
  TinyBatch b(config(), 7, 2);
  const Session::Loss whole = s.forward_backward(b.batch);
  const auto expected = read_all(s, Slot::grad);
  for (const int64_t micro : {1, 2, 3, 6}) {
    s.zero_grad();
    b.batch.micro_batch = micro;
    EXPECT_NEAR(s.forward_backward(b.batch).loss, whole.loss, 1e-5) << micro;
    // A card's library takes other sums for other sizes: 4.5e-5 was seen on an H200.
    EXPECT_LT(worst_share(expected, read_all(s, Slot::grad)), other_order(s)) << micro;
  }
}

TEST_P(SessionTest, MicroBatchesMakeTheLastSliceOnce) {
  Session s = make();
  s.initialize(3);
  TinyBatch b(config(), 6, 2);
  const auto calls = [&](const std::string& op, int64_t micro) {
    s.zero_grad();
    b.batch.micro_batch = micro;
    s.profile(true);
    s.forward_backward(b.batch);
    int64_t found = 0;
    for (const OpTime& t : s.op_times())
      if (t.name == op && t.shape.empty()) found += t.calls;
    s.profile(false);
    return found;
  };
  const int64_t pictures = calls("patchify", 0), captions = calls("embed", 0);
  ASSERT_GT(pictures, 0);
  ASSERT_GT(captions, 0);
  EXPECT_EQ(calls("patchify", 3), 3 * pictures) << "two slices, of which the first is made again";
  EXPECT_EQ(calls("embed", 3), 4 * captions);
  EXPECT_EQ(calls("patchify", 2), 5 * pictures);
  // Where the image tower is frozen, its features are made once, and captions are those that stay.
  for (size_t i = 0; i < s.parameters().size(); ++i)
    if (s.parameters()[i].name.starts_with("visual.")) s.set_trainable(i, false);
  EXPECT_EQ(calls("patchify", 3), 2 * pictures);
  EXPECT_EQ(calls("embed", 3), 3 * captions);
}

}  // namespace
}  // namespace cw::test
