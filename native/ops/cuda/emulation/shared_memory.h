// A block's shared memory.
#pragma once
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "ops/cuda/emulation/guarded.h"

namespace cw::emulation {

/// Arrays in shared memory, each between guard zones of its own.
class SharedMemory {
 public:
  void poison() {
    for (auto& [site, array] : arrays_) std::memset(array->data(), kPoison, array->bytes());
  }
  void* at(const void* site, size_t bytes) {
    if (!arrays_.contains(site)) static_bytes_ += bytes;
    return array(site, bytes);
  }
  void* dynamic(size_t bytes) { return array(this, bytes); }
  size_t static_bytes() const { return static_bytes_; }
  /// What was written beyond the arrays; empty if nothing was.
  std::string damage() const {
    for (const auto& [site, array] : arrays_)
      if (const std::string where = array->damage(); !where.empty()) return "wrote " + where + " of shared memory";
    return "";
  }

 private:
  void* array(const void* site, size_t bytes) {
    auto& array = arrays_[site];
    if (!array) array = std::make_unique<Guarded>(bytes);
    return array->data();
  }

  std::map<const void*, std::unique_ptr<Guarded>> arrays_;
  size_t static_bytes_ = 0;
};

}  // namespace cw::emulation
