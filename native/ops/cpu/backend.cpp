#include "ops/cpu/backend.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>

#include "ops/cpu/cpu.h"
#include "ops/cpu/isa.h"
#include "ops/cpu/kernels/table.h"
#include "ops/cpu/memory.h"
#include "ops/cpu/onednn.h"

namespace cw {
namespace {

int team_size(int threads) {
  const int team = threads > 0 ? threads : std::max(1, omp_get_num_procs());
  omp_set_num_threads(team);  // of teams that this thread starts: oneDNN's primitives are made for that many
  return team;
}

constexpr int64_t kCopiedAlone = 1 << 18;  // elements that one thread copies before others have begun
constexpr int64_t kRounded = 1 << 13;      // elements on their way to 16 bits

void copy_rows(std::byte* to, size_t to_stride, const std::byte* from, size_t from_stride, const Tensor& shape) {
  if (shape.count() == 0) return;  // pointers may be null
  const size_t row = static_cast<size_t>(shape.cols) * size_of(shape.dtype);
#pragma omp parallel for schedule(static) if (shape.count() > kCopiedAlone)
  for (int64_t r = 0; r < shape.rows; ++r)
    std::memcpy(to + static_cast<size_t>(r) * to_stride, from + static_cast<size_t>(r) * from_stride, row);
}

/// Elements first .. first+count of a contiguous tensor; those of 16 bits pass a thread's stack.
bool put(const Tensor& to, const Backend::Source& from, int64_t first, int64_t count) {
  if (to.dtype == DType::f32) return from(to.as<float>() + first, first, count);
  std::array<float, kRounded> wide;
  for (int64_t done = 0; done < count; done += kRounded) {
    const int64_t n = std::min(kRounded, count - done), at = first + done;
    if (!from(wide.data(), at, n)) return false;
    const Tensor row = Tensor::of(to.as<std::byte>() + at * static_cast<int64_t>(size_of(to.dtype)), to.dtype, 1, n);
    kernels().cast(Tensor::of(wide.data(), DType::f32, 1, n), row);
  }
  return true;
}

size_t stride_bytes(const Tensor& t) { return static_cast<size_t>(t.stride) * size_of(t.dtype); }
size_t row_bytes(const Tensor& t) { return static_cast<size_t>(t.cols) * size_of(t.dtype); }

}  // namespace

CpuBackend::CpuBackend(int threads)
    : threads_(team_size(threads)), onednn_(std::make_unique<OneDnn>()) {}

CpuBackend::~CpuBackend() = default;

std::unique_ptr<Buffer> CpuBackend::allocate(size_t bytes) { return allocate_host(bytes); }

size_t CpuBackend::available_bytes() const { return available_memory(); }

void CpuBackend::upload(const Tensor& to, const void* from) {
  copy_rows(to.as<std::byte>(), stride_bytes(to), static_cast<const std::byte*>(from), row_bytes(to), to);
}

/// To its place at once, by threads that share what new memory costs, zeros and all: that is most of it. Large pages are left to the
/// kernel's background (khugepaged): a free one is often one that a virtual machine has given back to its host, and to have it
/// again takes 2 to 8 times as long as the small pages around, once for every byte that is loaded.
bool CpuBackend::upload_from(const Tensor& to, const Source& from) {
  const int64_t count = to.count(), parts = (count + kCopiedAlone - 1) / kCopiedAlone;
  if (parts > 1) advise_pages(to.data, to.bytes(), Pages::small);
  std::atomic<bool> whole{true};
#pragma omp parallel for schedule(dynamic) if (parts > 1)
  for (int64_t p = 0; p < parts; ++p) {
    const int64_t first = p * kCopiedAlone, some = std::min(kCopiedAlone, count - first);
    if (whole && !put(to, from, first, some)) whole = false;
  }
  if (parts > 1) advise_pages(to.data, to.bytes(), Pages::large);
  return whole;
}

void CpuBackend::download(void* to, const Tensor& from) {
  copy_rows(static_cast<std::byte*>(to), row_bytes(from), from.as<std::byte>(), stride_bytes(from), from);
}

void CpuBackend::set_scratch(void* data, size_t bytes) {
  scratch_data_ = data;
  scratch_bytes_ = bytes;
}

bool CpuBackend::fast(DType type) const {
  return type == DType::f32 || (type == DType::bf16 && fast_bf16());
}

void CpuBackend::keep_packed(bool keep) { onednn_->keep_packed(keep); }
size_t CpuBackend::packed_bytes(const Weight& weight) const { return onednn_->packed_bytes(weight); }

std::unique_ptr<PackedWeight> CpuBackend::pack(const Weight& weight, const std::vector<WeightView>& views) {
  return onednn_->pack(weight, views);
}

std::unique_ptr<PackedWeight> CpuBackend::packed_zeros(const Weight& weight, const std::vector<WeightView>& views) {
  return onednn_->packed_zeros(weight, views);
}

bool CpuBackend::writes_rows(const PackedWeight& packed, int64_t first, int64_t count) const {
  return onednn_->writes_rows(packed, first, count);
}

bool CpuBackend::write_rows(PackedWeight& packed, int64_t first, int64_t count, const Tensor& scales, const Source& from) {
  return onednn_->write_rows(packed, first, count, scales, from);
}

void CpuBackend::unpack(const PackedWeight& packed, const Tensor& to) { onednn_->unpack(packed, to); }

/// Without VNNI pairs of products are added in 16 bits: 2·255·63 fits.
int CpuBackend::int8_levels() const { return exact_int8() ? 127 : 63; }

std::unique_ptr<Backend> make_cpu_backend(int threads) { return std::make_unique<CpuBackend>(threads); }

}  // namespace cw
