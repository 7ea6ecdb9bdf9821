// Products of a warpgroup, four warps, on tensor cores of compute capability 9.0: 64 x 128 values over 16 terms, of matrices
// that lie in shared memory as bulk copies put them there. They run beside the threads. Source: PTX ISA 8.8, "Asynchronous
// Warpgroup Level Matrix Multiply-Accumulate Instructions": the accumulators' layout, matrix descriptors, swizzling.
//
// Emulated, a descriptor is decoded bit by bit, matrices are read when a product is waited for and not before, and until then
// the sums are NaN: a descriptor that is wrong, a place that is written too early and sums that are read too early give wrong
// products.
#pragma once
#include "ops/cuda/device/bulk.cuh"

namespace cw {

/// Of rows of 128 bytes, swizzled, that begin at a multiple of 1024 bytes (or some 16 terms after one: `start` is where these
/// begin). By lines (the terms lie along the rows): `stride` bytes from eight rows to the next eight. Turned (each row is of
/// one term): `stride` bytes from eight terms to the next eight, `leading` bytes from 64 rows or columns of the product to the
/// next.
__host__ __device__ constexpr uint64_t matrix_descriptor(uint32_t start, uint32_t stride, uint32_t leading) {
  constexpr uint64_t kSwizzled128 = 1;
  return (start & 0x3ffff) >> 4 | uint64_t{leading >> 4} << 16 | uint64_t{stride >> 4} << 32 | kSwizzled128 << 62;
}

inline constexpr int kWarpgroup = 128, kProductRows = 64, kProductColumns = 128, kProductTerms = 16;

#ifdef CW_CUDA_EMULATED
namespace emulation {

struct MatrixDescriptor {
  uint32_t start, leading, stride;

  explicit MatrixDescriptor(uint64_t bits)
      : start((bits & 0x3fff) << 4), leading((bits >> 16 & 0x3fff) << 4), stride((bits >> 32 & 0x3fff) << 4) {
    if (bits >> 62 != 1) fault("names a matrix that is not swizzled by 128 bytes, which the emulation does not know");
    if (bits & 0x3fff'c000'c000'c000u) fault("sets bits of a matrix descriptor that are to be zero");
  }
  /// Of the term `k` of row or column i of the product.
  template <class T, bool kTurned>
  float at(unsigned i, unsigned k) const {
    const uint32_t offset = kTurned ? i / 64 * leading + i % 64 * 2 + k / 8 * stride + k % 8 * 128
                                    : i / 8 * stride + i % 8 * 128 + 2 * k;
    T x;
    std::memcpy(&x, shared_at(swizzled(start + offset), sizeof x), sizeof x);
    return as_float(x);
  }
};

}  // namespace emulation

template <class T, bool kATurned, bool kBTurned>
class WarpgroupProduct {
 public:
  float sum[64];

  void fence() { fenced_ = true, __syncwarp(); }
  void multiply_add(uint64_t a, uint64_t b, bool add) {
    if (!fenced_) emulation::fault("begins a product of a warpgroup without a fence before it");
    if (__shfl_sync(~0u, a, 0) != a || __shfl_sync(~0u, b, 0) != b) emulation::fault("names other matrices than its warp");
    if (count_ == kMost) emulation::fault("has more products on their way than the emulation keeps");
    if (count_ == 0) std::memcpy(behind_, sum, sizeof sum);
    std::memset(sum, 0xff, sizeof sum);
    pending_[count_++] = {a, b, add, group_};
  }
  void commit() { ++group_, __syncwarp(); }
  template <int kNewest>
  void wait() {
    int kept = 0;
    for (int i = 0; i < count_; ++i)
      if (pending_[i].group + kNewest < group_)
        run(pending_[i]);
      else
        pending_[kept++] = pending_[i];
    count_ = kept;
    if (count_ == 0) std::memcpy(sum, behind_, sizeof sum);
    fenced_ = false;
    __syncwarp();
  }

 private:
  static constexpr int kMost = 16;
  struct Product {
    uint64_t a, b;
    bool add;
    int group;
  } pending_[kMost];
  float behind_[64];
  int count_ = 0, group_ = 0;
  bool fenced_ = false;

  void run(const Product& p) {
    const emulation::MatrixDescriptor a(p.a), b(p.b);
    const unsigned lane = emulation::lane(), first = threadIdx.x % kWarpgroup / kWarp * 16 + lane / 4;
    float left[2][kProductTerms];
    for (unsigned i = 0; i < 2; ++i)
      for (unsigned k = 0; k < kProductTerms; ++k) left[i][k] = a.at<T, kATurned>(first + 8 * i, k);
    for (unsigned j = 0; j < 32; ++j) {
      const unsigned column = j / 2 * 8 + lane % 4 * 2 + j % 2;
      float& upper = behind_[j / 2 * 4 + j % 2];
      float& lower = behind_[j / 2 * 4 + j % 2 + 2];
      if (!p.add) upper = lower = 0;
      for (unsigned k = 0; k < kProductTerms; ++k) {
        const float right = b.at<T, kBTurned>(column, k);
        upper += left[0][k] * right;
        lower += left[1][k] * right;
      }
    }
  }
};

#else

// An instruction's 64 accumulators are its first operands.
#define CW_SUMS \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}"
#define CW_EIGHT(i) \
  "+f"(sum[i]), "+f"(sum[i + 1]), "+f"(sum[i + 2]), "+f"(sum[i + 3]), \
  "+f"(sum[i + 4]), "+f"(sum[i + 5]), "+f"(sum[i + 6]), "+f"(sum[i + 7])
#define CW_PRODUCT(type)                                                                                                       \
  asm volatile(                                                                                                                \
      "{\n"                                                                                                                    \
      ".reg .pred p;\n"                                                                                                        \
      "setp.ne.b32 p, %66, 0;\n"                                                                                               \
      "wgmma.mma_async.sync.aligned.m64n128k16.f32." type "." type " " CW_SUMS ", %64, %65, p, 1, 1, %67, %68;\n"              \
      "}"                                                                                                                      \
      : CW_EIGHT(0), CW_EIGHT(8), CW_EIGHT(16), CW_EIGHT(24), CW_EIGHT(32), CW_EIGHT(40), CW_EIGHT(48), CW_EIGHT(56)           \
      : "l"(a), "l"(b), "r"(static_cast<int>(add)), "n"(static_cast<int>(kATurned)), "n"(static_cast<int>(kBTurned)))

/// A warpgroup's product: all its threads call, at once and with the same arguments.
template <class T, bool kATurned, bool kBTurned>
class WarpgroupProduct {
 public:
  /// Of a thread: with w its warp in the group, g = lane / 4 and t = lane % 4, sum[4j + 2h + i] is of row 16w + 8h + g and
  /// column 8j + 2t + i. Not to be touched from multiply_add() to wait<0>().
  float sum[64];

  /// Before the first product, and after each wait.
  __device__ void fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
  /// Begins sum (+)= a·b. a: 64 rows by 16 terms, b: 128 columns by 16 terms, as matrix_descriptor() says.
  __device__ void multiply_add(uint64_t a, uint64_t b, bool add) {
    if constexpr (std::is_same_v<T, bf16>)
      CW_PRODUCT("bf16");
    else
      CW_PRODUCT("f16");
  }
  /// Ends a group.
  __device__ void commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
  /// Waits for all groups but the newest ones.
  template <int kNewest>
  __device__ void wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kNewest) : "memory");
    if constexpr (kNewest == 0) asm volatile("" : CW_EIGHT(0), CW_EIGHT(8), CW_EIGHT(16), CW_EIGHT(24)::"memory");
    if constexpr (kNewest == 0) asm volatile("" : CW_EIGHT(32), CW_EIGHT(40), CW_EIGHT(48), CW_EIGHT(56)::"memory");
  }
};
#undef CW_PRODUCT
#undef CW_EIGHT
#undef CW_SUMS

#endif

}  // namespace cw
