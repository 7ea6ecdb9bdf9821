// Bytes that nobody may touch, told to AddressSanitizer; in other builds this is nothing. Tensors lie side by side in blocks
// that the sanitizer takes for one piece each, so it would miss an overrun into the neighbour.
#pragma once
#include <cstddef>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>

#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>
#endif

namespace cw {

#ifdef __SANITIZE_ADDRESS__
/// Bytes left free after each tensor of an arena.
constexpr size_t kRedZone = 64;
inline void poison(const void* from, size_t bytes) { __asan_poison_memory_region(from, bytes); }
inline void unpoison(const void* from, size_t bytes) { __asan_unpoison_memory_region(from, bytes); }

/// Blocks whose bytes are touched later than the calls that ask for it, as on an emulated card. What an arena takes and
/// gives back there, in the order of the calls, says nothing about the bytes at the time of an access.
struct DeferredBlocks {
  std::mutex mutex;
  std::map<uintptr_t, uintptr_t> ends;  // by beginning
};
inline DeferredBlocks& deferred_blocks() {
  static DeferredBlocks& blocks = *new DeferredBlocks;  // outlives what is freed at exit
  return blocks;
}
inline void add_deferred(const void* begin, size_t bytes) {
  const std::lock_guard lock(deferred_blocks().mutex);
  deferred_blocks().ends[reinterpret_cast<uintptr_t>(begin)] = reinterpret_cast<uintptr_t>(begin) + bytes;
}
inline void remove_deferred(const void* begin) {
  const std::lock_guard lock(deferred_blocks().mutex);
  deferred_blocks().ends.erase(reinterpret_cast<uintptr_t>(begin));
}
/// Whether an arena over this memory may close its free bytes.
inline bool closable(const void* p) {
  const std::lock_guard lock(deferred_blocks().mutex);
  const auto& ends = deferred_blocks().ends;
  const auto next = ends.upper_bound(reinterpret_cast<uintptr_t>(p));
  return next == ends.begin() || reinterpret_cast<uintptr_t>(p) >= std::prev(next)->second;
}
#else
constexpr size_t kRedZone = 0;
inline void poison(const void*, size_t) {}
inline void unpoison(const void*, size_t) {}
inline void add_deferred(const void*, size_t) {}
inline void remove_deferred(const void*) {}
inline bool closable(const void*) { return false; }
#endif

}  // namespace cw
