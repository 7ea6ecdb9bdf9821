#include "ops/reference/backend.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "core/error.h"
#include "ops/reference/reference.h"

namespace cw {
namespace {

class HostBuffer final : public Buffer {
 public:
  explicit HostBuffer(size_t bytes) {
    data_ = std::calloc(bytes ? bytes : 1, 1);
    if (!data_) throw Error(Code::out_of_memory, "could not allocate " + std::to_string(bytes) + " bytes of memory");
    bytes_ = bytes;
  }
  ~HostBuffer() override { std::free(data_); }
};

size_t row_bytes(const Tensor& t) { return static_cast<size_t>(t.cols) * size_of(t.dtype); }

}  // namespace

std::unique_ptr<Backend> make_reference_backend() { return std::make_unique<ReferenceBackend>(); }

std::unique_ptr<Buffer> ReferenceBackend::allocate(size_t bytes) { return std::make_unique<HostBuffer>(bytes); }

void ReferenceBackend::upload(const Tensor& to, const void* from) {
  for (int64_t r = 0; r < to.rows; ++r)
    std::memcpy(static_cast<std::byte*>(to.data) + r * to.stride * static_cast<int64_t>(size_of(to.dtype)),
                static_cast<const std::byte*>(from) + static_cast<size_t>(r) * row_bytes(to), row_bytes(to));
}

void ReferenceBackend::download(void* to, const Tensor& from) {
  if (from.count() == 0) return;  // `to` may be null
  for (int64_t r = 0; r < from.rows; ++r)
    std::memcpy(static_cast<std::byte*>(to) + static_cast<size_t>(r) * row_bytes(from),
                static_cast<const std::byte*>(from.data) + r * from.stride * static_cast<int64_t>(size_of(from.dtype)),
                row_bytes(from));
}

}  // namespace cw
