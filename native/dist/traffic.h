// What a rank has sent through its collectives, by kind.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace cw {

enum class Collective : uint8_t { all_gather, reduce_scatter, all_reduce, merge_lse, broadcast, count };

inline constexpr const char* kCollectiveNames[] = {"all_gather", "reduce_scatter", "all_reduce", "merge_lse", "broadcast"};

struct Traffic {
  int64_t calls = 0, words = 0;  // of four bytes, Group::sent()
};

using TrafficByKind = std::array<Traffic, static_cast<size_t>(Collective::count)>;

}  // namespace cw
