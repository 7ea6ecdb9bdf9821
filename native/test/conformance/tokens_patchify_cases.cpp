#include "test/conformance/conformance.h"

namespace cw::test {
namespace {

struct PatchifyCase {
  int64_t n, height, width, patch;
  DType images = DType::u8;
  DType type = DType::f32;
  bool some = false;  // every other patch, from the last to the first
  int64_t pad = 0;

  std::string name() const {
    return "patchify_" + std::to_string(n) + "x" + std::to_string(height) + "x" + std::to_string(width) + "_patch" +
           std::to_string(patch) + "_" + name_of(images) + "_" + name_of(type) + (some ? "_some" : "") +
           (pad ? "_strided" : "");
  }
  void run(Rig& rig) const {
    const int64_t all = n * (height / patch) * (width / patch), values = 3 * height * width;
    Patchify op{.images = images == DType::u8 ? rig.bytes("images", n, values) : rig.in("images", n, values, images),
                .height = height,
                .width = width,
                .patch = patch};
    int64_t rows = all;
    if (some) {
      std::vector<int32_t> wanted;
      for (int64_t p = all - 1; p >= 0; p -= 2) wanted.push_back(static_cast<int32_t>(p));
      rows = static_cast<int64_t>(wanted.size());
      op.patches = rig.ints("patches", wanted);
    }
    op.y = rig.out("y", rows, 3 * patch * patch, type, {.terms = 4}, pad);
    rig.run(&Ops::patchify, op);
  }
};

std::vector<Case> all_cases() {
  std::vector<PatchifyCase> all;
  for (const DType images : {DType::u8, DType::f32})
    for (const DType type : kActivationTypes)
      for (const bool some : {false, true}) {
        all.push_back({1, 1, 1, 1, images, type, some});
        all.push_back({5, 15, 10, 5, images, type, some});
        all.push_back({2, 32, 64, 16, images, type, some});
        all.push_back({3, 14, 28, 7, images, type, some, 2});
        all.push_back({1, 64, 32, 32, images, type, some});
        all.push_back({2, 17, 22, 5, images, type, some});  // pixels are left over
        all.push_back({2, 20, 26, 8, images, type, some});
      }
  all.push_back({2, 28, 28, 14, DType::u8, DType::bf16, false});
  all.push_back({2, 8, 16, 8, DType::u8, DType::bf16, false, 3});
  return make_cases(all);
}

INSTANTIATE_TEST_SUITE_P(patchify, Conformance, on_all_backends(all_cases()), case_name);

// Which pixel goes where, without help of the reference: a picture whose values say their own place.
class PatchOrder : public testing::TestWithParam<std::string> {};

TEST_P(PatchOrder, IsChannelRowColumnAsConv1Weight) {
  constexpr int64_t n = 2, height = 4, width = 6, patch = 2;
  Rig rig(shared_backend(GetParam()));
  const Tensor images =
      rig.in("images", n, 3 * height * width, DType::f32, [](int64_t image, int64_t i) { return image * 1000.0 + i; });
  const Tensor y = rig.between("y", n * 6, 3 * patch * patch, DType::f32);
  rig.run(&Ops::patchify, {.images = images, .y = y, .height = height, .width = width, .patch = patch});
  const std::vector<double> got = rig.read(y);
  size_t at = 0;
  for (int64_t image = 0; image < n; ++image)
    for (int64_t top = 0; top < height; top += patch)
      for (int64_t left = 0; left < width; left += patch)
        for (int64_t c = 0; c < 3; ++c)
          for (int64_t row = top; row < top + patch; ++row)
            for (int64_t col = left; col < left + patch; ++col)
              ASSERT_EQ(got[at++], image * 1000.0 + static_cast<double>((c * height + row) * width + col));
}

INSTANTIATE_TEST_SUITE_P(patchify, PatchOrder, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return as_test_name(info.param); });

}  // namespace
}  // namespace cw::test
