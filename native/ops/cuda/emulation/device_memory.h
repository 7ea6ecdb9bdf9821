// Memory of the emulated cards: who owns which bytes, so that copies can refuse pointers of the wrong side.
#pragma once
#include <cstddef>
#include <string>

namespace cw::emulation {

enum class Side { pageable, pinned, device };

Side side_of(const void* p);
/// Whether all of it lies in one allocation of the current card.
bool on_device(const void* p, size_t bytes);
/// What was written beyond the current card's allocations and pinned memory so far; empty if nothing was.
std::string damage();

}  // namespace cw::emulation
