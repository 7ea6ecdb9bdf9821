#include "engine/stored_floats.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

namespace cw {
namespace {

constexpr int64_t kNarrow = 1 << 14;  // elements of 16 bits on the way, on a thread's stack

template <class T>
void widen(const uint16_t* from, float* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = to_float(T{from[i]});
}

}  // namespace

bool FloatReader::read(void* to, int64_t bytes, int64_t position) {
  auto* at = static_cast<std::byte*>(to);
  while (bytes > 0) {
    const ssize_t got = pread(from_.file, at, static_cast<size_t>(bytes), position);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      const std::lock_guard lock(mutex_);
      failure_ = {.position = position, .error = got < 0 ? errno : 0};
      return false;
    }
    // One call of the system may return less than was asked for.
    at += got, position += got, bytes -= got;
  }
  return true;
}

bool FloatReader::operator()(float* to, int64_t first, int64_t count) {
  const auto width = static_cast<int64_t>(size_of(from_.type));
  const int64_t position = from_.position + first * width;
  if (from_.type == DType::f32) return read(to, count * width, position);
  std::array<uint16_t, kNarrow> narrow;
  for (int64_t done = 0; done < count; done += kNarrow) {
    const int64_t n = std::min(kNarrow, count - done);
    if (!read(narrow.data(), n * width, position + done * width)) return false;
    from_.type == DType::bf16 ? widen<bf16>(narrow.data(), to + done, n) : widen<f16>(narrow.data(), to + done, n);
  }
  return true;
}

}  // namespace cw
