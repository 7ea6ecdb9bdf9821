// In which order blocks, warps and lanes run: a missing barrier shows in at least one.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <string_view>
#include <vector>

namespace cw::emulation {

/// The order of n things: as CLIPWRIGHT_EMULATION_ORDER says.
class Order {
 public:
  Order() {
    const char* text = std::getenv("CLIPWRIGHT_EMULATION_ORDER");
    const std::string_view order = text ? text : "";
    if (order.empty() || order == "ascending") return;
    if (order == "descending")
      descending_ = true;
    else
      random_ = std::make_unique<std::mt19937>(static_cast<uint32_t>(std::strtoul(text, nullptr, 10)));
  }
  void arrange(std::vector<unsigned>& all, size_t n) {
    all.resize(n);
    std::iota(all.begin(), all.end(), 0u);
    if (descending_) std::reverse(all.begin(), all.end());
    if (random_) std::shuffle(all.begin(), all.end(), *random_);
  }

 private:
  bool descending_ = false;
  std::unique_ptr<std::mt19937> random_;
};

}  // namespace cw::emulation
