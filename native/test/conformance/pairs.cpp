#include "test/conformance/pairs.h"

namespace cw::test {

std::vector<Pairs> pair_shapes() {
  std::vector<Pairs> all;
  for (const DType type : kActivationTypes) {
    for (const auto& [n, e] : {std::pair<int64_t, int64_t>{1, 1}, {1, 64}, {5, 7}, {7, 13}, {13, 64}, {64, 257}, {257, 64}})
      all.push_back({.n = n, .m = n, .e = e, .type = type});
    all.push_back({.n = 64, .m = 64, .e = 64, .scale = 100, .type = type});
    all.push_back({.n = 13, .m = 64, .e = 32, .row_offset = 51, .type = type});
    all.push_back({.n = 1, .m = 257, .e = 13, .row_offset = 100, .scale = 100, .type = type});
    all.push_back({.n = 64, .m = 64, .e = 13, .type = type, .groups = 13});
    all.push_back({.n = 7, .m = 64, .e = 13, .row_offset = 5, .type = type, .groups = 1});
    all.push_back({.n = 5, .m = 257, .e = 64, .row_offset = 252, .type = type, .groups = 40});
    all.push_back({.n = 300, .m = 600, .e = 16, .row_offset = 150, .type = type, .groups = 64});
    // More than one tile in each direction, and a ragged last one.
    all.push_back({.n = 1030, .m = 2060, .e = 8, .row_offset = 1024, .type = type});
    all.push_back({.n = 1030, .m = 1100, .e = 8, .row_offset = 60, .type = type, .groups = 300});
    // Features of more than one slice, of an even and an odd number of them; tiles that end raggedly in both directions.
    all.push_back({.n = 150, .m = 330, .e = 136, .row_offset = 170, .type = type});
    all.push_back({.n = 70, .m = 200, .e = 512, .row_offset = 100, .type = type, .groups = 50});
    // More terms of a sum than a product takes at a time.
    all.push_back({.n = 140, .m = 170, .e = 790, .row_offset = 30, .type = type});
    all.push_back({.n = 0, .m = 5, .e = 7, .row_offset = 2, .type = type});
  }
  return all;
}

std::vector<Pairs> in_place_shapes() {
  return {{.n = 13, .m = 64, .e = 32, .row_offset = 51},
          {.n = 300, .m = 600, .e = 16, .row_offset = 150, .groups = 64},
          {.n = 1030, .m = 2060, .e = 8, .row_offset = 1024},
          {.n = 0, .m = 5, .e = 7, .row_offset = 2}};
}

}  // namespace cw::test
