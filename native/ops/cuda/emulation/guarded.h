// Memory between guard zones: what a kernel reads there is NaN, what it writes there is found. In builds with
// AddressSanitizer they are out of bounds instead, to the byte.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "core/poison.h"

namespace cw::emulation {

constexpr int kPoison = 0xff;  // NaN in every floating type, -1 in integers

class Guarded {
 public:
  static constexpr size_t kGuard = 256;  // on each side; also the alignment, which is cudaMalloc's

  /// Throws std::bad_alloc.
  explicit Guarded(size_t bytes) : bytes_(bytes), padded_((bytes + kGuard - 1) / kGuard * kGuard) {
    whole_ = static_cast<std::byte*>(std::aligned_alloc(kGuard, padded_ + 2 * kGuard));
    if (!whole_) throw std::bad_alloc();
    std::memset(whole_, kPoison, padded_ + 2 * kGuard);
    poison(whole_, kGuard);
    poison(data() + bytes_, padded_ - bytes_ + kGuard);
  }
  ~Guarded() {
    unpoison(whole_, padded_ + 2 * kGuard);
    std::free(whole_);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  std::byte* data() const { return whole_ + kGuard; }
  size_t bytes() const { return bytes_; }

  /// Where something was written that should not be, for instance "byte 0 past the end of 64 bytes"; empty if nowhere.
  std::string damage() const {
    if (kRedZone > 0) return "";  // AddressSanitizer has reported it
    const auto untouched = [](std::byte b) { return b == std::byte{kPoison}; };
    const std::string size = std::to_string(bytes_) + " bytes";
    const std::byte *start = data(), *end = start + bytes_, *last = start + padded_ + kGuard;
    if (const std::byte* at = std::find_if_not(end, last, untouched); at != last)
      return "byte " + std::to_string(at - end) + " past the end of " + size;
    const std::byte* at = std::find_if_not(static_cast<const std::byte*>(whole_), start, untouched);
    return at == start ? "" : "byte " + std::to_string(start - at) + " before the start of " + size;
  }

 private:
  size_t bytes_, padded_;
  std::byte* whole_;
};

}  // namespace cw::emulation
