// Numbers that lie one after another in an open file, read as f32 to where they will be.
#pragma once
#include <cstdint>
#include <mutex>
#include <optional>

#include "core/dtype.h"

namespace cw {

/// Little-endian numbers of type f32, bf16 or f16, from the byte `position` on. Nothing is assumed of the file: it may be shorter.
struct StoredFloats {
  int file = -1;
  int64_t position = 0;
  DType type = DType::f32;
};

/// The byte at which a file could not be read. error: the system's number; 0 where the file ended.
struct ReadFailure {
  int64_t position = 0;
  int error = 0;
};

/// Backend::Source of such numbers.
class FloatReader {
 public:
  explicit FloatReader(const StoredFloats& from) : from_(from) {}
  bool operator()(float* to, int64_t first, int64_t count);
  /// Of one of the parts that could not be read, if there were any.
  std::optional<ReadFailure> failure() const { return failure_; }

 private:
  bool read(void* to, int64_t bytes, int64_t position);

  const StoredFloats from_;
  std::mutex mutex_;
  std::optional<ReadFailure> failure_;
};

}  // namespace cw
