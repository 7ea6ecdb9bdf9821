// The most memory that this process held at once, as the kernel counts resident pages.
#pragma once
#include <cstddef>
#include <optional>

namespace cw {

struct ResidentMemory {
  size_t now = 0, peak = 0;  // bytes
};
/// Nothing where /proc does not tell.
std::optional<ResidentMemory> resident_memory();
/// Lets the peak begin anew, at what is resident now. False where the kernel does not allow that.
bool forget_peak_memory();

}  // namespace cw
