// Bytes that nobody may touch, told to AddressSanitizer; in other builds this is nothing. Tensors lie side by side in blocks
// that the sanitizer takes for one piece each, so it would miss an overrun into the neighbour.
#pragma once
#include <cstddef>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace cw {

#ifdef __SANITIZE_ADDRESS__
/// Bytes left free after each tensor of an arena.
constexpr size_t kRedZone = 64;
inline void poison(const void* from, size_t bytes) { __asan_poison_memory_region(from, bytes); }
inline void unpoison(const void* from, size_t bytes) { __asan_unpoison_memory_region(from, bytes); }
#else
constexpr size_t kRedZone = 0;
inline void poison(const void*, size_t) {}
inline void unpoison(const void*, size_t) {}
#endif

}  // namespace cw
