// Values that are read from files to where they will be.
#include "engine/stored_floats.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "test/session_fixture.h"

namespace cw::test {
namespace {

/// A file without a name that begins with a byte of something else.
class Stored {
 public:
  Stored(const std::vector<float>& values, DType type) {
    std::fputc('x', file_);
    for (const float x : values) {
      const bf16 b = to_bf16(x);
      const f16 h = to_f16(x);
      const void* const from = type == DType::f32 ? static_cast<const void*>(&x) : type == DType::bf16 ? static_cast<const void*>(&b) : &h;
      std::fwrite(from, size_of(type), 1, file_);
    }
    std::fflush(file_);
    place_ = {.file = fileno(file_), .position = 1, .type = type};
  }
  ~Stored() { std::fclose(file_); }
  Stored(const Stored&) = delete;
  const StoredFloats& place() const { return place_; }
  void cut(int64_t bytes) const { ASSERT_EQ(ftruncate(place_.file, bytes), 0); }

 private:
  std::FILE* const file_ = std::tmpfile();
  StoredFloats place_;
};

float rounded(float x, DType type) {
  return type == DType::bf16 ? to_float(to_bf16(x)) : type == DType::f16 ? to_float(to_f16(x)) : x;
}

/// Different everywhere, and not whole.
std::vector<float> numbers(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(static_cast<int>(i % 4099) - 2000) / 1000.0f;
  return values;
}

class StoredFloatsTest : public SessionTest {
 protected:
  Session made(DType precision, bool trainable) {
    return Session({.model = config(), .device = device(), .precision = precision, .threads = 2, .trainable = trainable}, &stop_);
  }
};

TEST_P(StoredFloatsTest, AreTheValuesOfAParameterInEveryType) {
  for (const DType type : {DType::f32, DType::bf16, DType::f16})
    for (const DType precision : {DType::f32, DType::bf16})
      for (const bool trainable : {true, false}) {
        Session s = made(precision, trainable);
        const auto shapes = read_all(s, Slot::value);
        for (size_t i = 0; i < shapes.size(); ++i) {
          const auto count = static_cast<int64_t>(shapes[i].size()), half = count / 2;
          const Stored stored(numbers(count), type);
          // In two parts, as other libraries split what is one here.
          StoredFloats rest = stored.place();
          rest.position += half * static_cast<int64_t>(size_of(type));
          ASSERT_FALSE(s.write({.parameter = i, .span = {.first = 0, .count = half}}, stored.place()));
          ASSERT_FALSE(s.write({.parameter = i, .span = {.first = half, .count = count - half}}, rest));
        }
        const auto found = read_all(s, Slot::value);
        for (size_t i = 0; i < found.size(); ++i) {
          const std::vector<float> expected = numbers(static_cast<int64_t>(found[i].size()));
          for (size_t j = 0; j < expected.size(); ++j) {
            const float exact = rounded(expected[j], type);
            // What products read has their type in a model that only encodes.
            const bool may_round = !trainable && precision == DType::bf16;
            ASSERT_TRUE(found[i][j] == exact || (may_round && found[i][j] == rounded(exact, precision)))
                << s.parameters()[i].name << ' ' << j << ": " << found[i][j] << ", not " << exact;
          }
        }
      }
}

TEST_P(StoredFloatsTest, AreUsedByProducts) {
  for (const DType precision : {DType::f32, DType::bf16}) {
    Session read = make(precision), written = make(precision);
    read.initialize(3), written.initialize(3);
    for (size_t i = 0; i < read.parameters().size(); ++i) {
      const std::vector<float> values(static_cast<size_t>(read.parameters()[i].count()), 0.02f);
      const Stored stored(values, DType::f32);
      ASSERT_FALSE(read.write({.parameter = i}, stored.place()));
      written.write({.parameter = i}, values.data());
    }
    const TinyBatch b(config(), 4, 6);
    EXPECT_EQ(read.forward_backward(b.batch).loss, written.forward_backward(b.batch).loss) << name_of(precision);
  }
}

TEST_P(StoredFloatsTest, WhatCannotBeReadIsSaid) {
  for (const bool trainable : {true, false}) {
    Session s = made(DType::f32, trainable);
    size_t i = 0;
    while (s.parameters()[i].count() < 8) ++i;
    const Stored stored(numbers(s.parameters()[i].count()), DType::f32);
    stored.cut(1 + 4 * 5 + 2);
    const auto ended = s.write({.parameter = i}, stored.place());
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->error, 0);
    EXPECT_EQ(ended->position, 1 + 4 * 5 + 2);
    StoredFloats nowhere = stored.place();
    nowhere.file = -1;
    const auto refused = s.write({.parameter = i}, nowhere);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error, EBADF);
    EXPECT_EQ(refused->position, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, StoredFloatsTest, on_backends(Text::causal, Text::bert), test_name);

class UploadFromTest : public testing::TestWithParam<std::string> {};

/// More than one thread takes at once, and not from a page's beginning.
TEST_P(UploadFromTest, PutsEveryElementInItsPlaceOnce) {
  const auto backend = make_backend(GetParam(), 2);
  constexpr int64_t kBefore = 1000, kCount = (int64_t{5} << 19) + 7;
  const auto memory = backend->allocate((kBefore + kCount) * sizeof(float));
  const Tensor to = Tensor::of(static_cast<float*>(memory->data()) + kBefore, DType::f32, 1, kCount);
  const std::vector<float> expected = numbers(kCount);
  const Backend::Source source = [&](float* at, int64_t first, int64_t count) {
    std::copy_n(expected.data() + first, count, at);
    return true;
  };
  EXPECT_TRUE(backend->upload_from(to, source));
  std::vector<float> found(static_cast<size_t>(kCount));
  backend->download(found.data(), to);
  EXPECT_EQ(found, expected);
  EXPECT_FALSE(backend->upload_from(to, [](float*, int64_t first, int64_t) { return first == 0; }));
}

INSTANTIATE_TEST_SUITE_P(Backends, UploadFromTest, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return as_test_name(info.param); });

}  // namespace
}  // namespace cw::test
