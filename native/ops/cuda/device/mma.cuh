// Tensor cores of compute capability 8.0: products of 16×8 values over 16 terms, the loads that feed them, and copies that
// run beside them. Source: PTX ISA 8.8, "Matrix Fragments for mma.m16n8k16 with floating point type", "ldmatrix" and
// "cp.async". g = lane / 4 and t = lane % 4, a fragment's registers hold
//   a (16×16): {(g, 2t), (g, 2t+1)}  {(g+8, 2t), ..}  {(g, 2t+8), ..}  {(g+8, 2t+8), ..}
//   b (16×8):  {(2t, g), (2t+1, g)}  {(2t+8, g), ..}
//   c (16×8):  (g, 2t)  (g, 2t+1)  (g+8, 2t)  (g+8, 2t+1)
// Emulated, lanes take from each other what these layouts say that they hold: a wrong index gives a wrong product.
#pragma once
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/launch.h"

namespace cw {

/// Four 8×8 matrices of 16-bit elements as ldmatrix spreads them over a warp: one a, or two b.
struct Fragment {
  uint32_t r[4];
};

#ifdef CW_CUDA_EMULATED
namespace emulation {

/// What each lane of the warp brings; all 32 must call. Valid until the warp's next __syncwarp.
template <class X>
const X* show(const X& mine) {
  static thread_local X shown[32][32];
  X* warp = shown[current_thread->warp];
  warp[current_thread->lane] = mine;
  __syncwarp();
  return warp;
}

template <class T>
float half_of(uint32_t pair, int which) {
  const auto bits = static_cast<uint16_t>(pair >> (16 * which));
  T x;
  std::memcpy(&x, &bits, sizeof x);
  return as_float(x);
}

}  // namespace emulation

inline Fragment load_matrices(const void* base, unsigned offset) {
  const void* row = static_cast<const char*>(base) + offset;
  check_alignment(static_cast<const char*>(row));
  const void* const* rows = emulation::show(row);  // lane 8i + k names row k of matrix i
  const unsigned g = emulation::lane() / 4, t = emulation::lane() % 4;
  Fragment f;
  for (unsigned i = 0; i < 4; ++i) std::memcpy(&f.r[i], static_cast<const char*>(rows[8 * i + g]) + 4 * t, 4);
  __syncwarp();
  return f;
}

inline Fragment load_matrices_turned(const void* base, unsigned offset) {
  const void* row = static_cast<const char*>(base) + offset;
  check_alignment(static_cast<const char*>(row));
  const void* const* rows = emulation::show(row);
  const unsigned g = emulation::lane() / 4, t = emulation::lane() % 4;
  Fragment f;
  for (unsigned i = 0; i < 4; ++i) {
    uint16_t low, high;
    std::memcpy(&low, static_cast<const char*>(rows[8 * i + 2 * t]) + 2 * g, 2);
    std::memcpy(&high, static_cast<const char*>(rows[8 * i + 2 * t + 1]) + 2 * g, 2);
    f.r[i] = low | uint32_t{high} << 16;
  }
  __syncwarp();
  return f;
}

template <class T>
void multiply_add(float (&d)[4], const Fragment& a, uint32_t b0, uint32_t b1, const float (&c)[4]) {
  struct Operands {
    float a[4][2], b[2][2];  // by register and half
  } mine;
  for (int half = 0; half < 2; ++half) {
    for (int i = 0; i < 4; ++i) mine.a[i][half] = emulation::half_of<T>(a.r[i], half);
    mine.b[0][half] = emulation::half_of<T>(b0, half);
    mine.b[1][half] = emulation::half_of<T>(b1, half);
  }
  const Operands* lanes = emulation::show(mine);
  const unsigned g = emulation::lane() / 4, t = emulation::lane() % 4;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned lower = i / 2, col = 2 * t + i % 2;  // rows g + 8·lower
    float sum = c[i];
    for (unsigned k = 0; k < 16; ++k)  // products of 16-bit values are exact in f32
      sum += lanes[4 * g + k % 8 / 2].a[k / 8 * 2 + lower][k % 2] * lanes[4 * col + k % 8 / 2].b[k / 8][k % 2];
    d[i] = sum;
  }
  __syncwarp();
}

template <class T>
uint32_t pack_pair(float low, float high) {
  const T pair[2] = {from_float<T>(low), from_float<T>(high)};
  uint32_t bits;
  std::memcpy(&bits, pair, 4);
  return bits;
}

/// Copies arrive when they are waited for; until then their place holds NaN.
class AsyncCopies {
 public:
  template <class T>
  void copy(T* to, const T* from) {
    check_alignment(to);
    check_alignment(from);
    if (count_ == kMost) emulation::fault("has more copies on their way than the emulation keeps");
    std::memset(to, 0xff, 16);
    pending_[count_++] = {to, from, group_};
  }
  void commit() { ++group_; }
  template <int kNewest>
  void wait() {
    int kept = 0;
    for (int i = 0; i < count_; ++i)
      if (pending_[i].group + kNewest < group_)
        std::memcpy(pending_[i].to, pending_[i].from, 16);
      else
        pending_[kept++] = pending_[i];
    count_ = kept;
  }

 private:
  static constexpr int kMost = 128;
  struct Copy {
    void* to;
    const void* from;
    int group;
  } pending_[kMost];
  int count_ = 0, group_ = 0;
};

#else

__device__ inline uint32_t shared_address(const void* p) { return static_cast<uint32_t>(__cvta_generic_to_shared(p)); }

/// Lane 8i + k gives the place (16-byte aligned, `offset` bytes from a place in shared memory) of row k of matrix i; register i
/// of a lane gets elements 2t and 2t+1 of that matrix's row g.
__device__ inline Fragment load_matrices(const void* base, unsigned offset) {
  Fragment f;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(f.r[0]), "=r"(f.r[1]), "=r"(f.r[2]), "=r"(f.r[3])
               : "r"(shared_address(base) + offset)
               : "memory");
  return f;
}

/// As load_matrices of each matrix transposed: elements (2t, g) and (2t+1, g).
__device__ inline Fragment load_matrices_turned(const void* base, unsigned offset) {
  Fragment f;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(f.r[0]), "=r"(f.r[1]), "=r"(f.r[2]), "=r"(f.r[3])
               : "r"(shared_address(base) + offset)
               : "memory");
  return f;
}

/// d = a·b + c.
template <class T>
__device__ inline void multiply_add(float (&d)[4], const Fragment& a, uint32_t b0, uint32_t b1, const float (&c)[4]) {
  if constexpr (std::is_same_v<T, bf16>)
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
        : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b0), "r"(b1), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
  else
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
        : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b0), "r"(b1), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
}

/// Two neighbours of a row in one register.
template <class T>
__device__ inline uint32_t pack_pair(float low, float high) {
  if constexpr (std::is_same_v<T, bf16>) {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<const uint32_t*>(&pair);
  } else {
    const __half2 pair = __floats2half2_rn(low, high);
    return *reinterpret_cast<const uint32_t*>(&pair);
  }
}

/// Copies of 16 bytes from global to shared memory that pass the registers by. A thread waits for its own: what others
/// copied is there after a barrier.
class AsyncCopies {
 public:
  template <class T>
  __device__ void copy(T* to, const T* from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)),
                 "l"(__cvta_generic_to_global(from))
                 : "memory");
  }
  /// Ends a group.
  __device__ void commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
  /// Waits for all groups but the newest ones.
  template <int kNewest>
  __device__ void wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(kNewest) : "memory");
  }
};

#endif

/// A product of two neighbouring 8-column tiles: c0 and c1 += a·b.
template <class T>
__device__ inline void multiply_add(float (&c0)[4], float (&c1)[4], const Fragment& a, const Fragment& b) {
  multiply_add<T>(c0, a, b.r[0], b.r[1], c0);
  multiply_add<T>(c1, a, b.r[2], b.r[3], c1);
}

/// Two neighbouring tiles of c, rounded, as the a of a further product over their columns.
template <class T>
__device__ inline Fragment as_left(const float (&c0)[4], const float (&c1)[4]) {
  return {{pack_pair<T>(c0[0], c0[1]), pack_pair<T>(c0[2], c0[3]),  //
           pack_pair<T>(c1[0], c1[1]), pack_pair<T>(c1[2], c1[3])}};
}

/// A matrix of kColumns 16-bit columns in shared memory. The 16-byte chunks of a row are permuted so that the eight rows of
/// an ldmatrix, and of a store of accumulators, lie in different banks.
template <class T, int kColumns>
struct Tile {
  static constexpr int kPerChunk = 8, kChunks = kColumns / kPerChunk;
  static_assert(sizeof(T) == 2 && kColumns % 32 == 0);
  T* data;

  static constexpr __host__ __device__ size_t bytes(int rows) { return static_cast<size_t>(rows) * kColumns * sizeof(T); }
  __device__ T* end(int rows) const { return data + rows * kColumns; }
  __device__ T* at(int row, int chunk) const { return data + row * kColumns + (chunk ^ turn(row)) * kPerChunk; }

  // Pieces of 16×16 elements that start at (row, col), both multiples of 16.

  /// The a of a product: rows are its rows.
  __device__ Fragment left(int row, int col) const {
    const int lane = threadIdx.x % kWarp;
    return load_matrices(data, offset(row, lane % 16, col, lane / 16));
  }
  /// The a of a product: columns are its rows.
  __device__ Fragment left_turned(int row, int col) const {
    const int lane = threadIdx.x % kWarp;
    return load_matrices_turned(data, offset(row, lane % 8 + lane / 16 * 8, col, lane / 8 % 2));
  }
  /// Two b: rows are the product's columns.
  __device__ Fragment right_turned(int row, int col) const {
    const int lane = threadIdx.x % kWarp;
    return load_matrices(data, offset(row, lane % 8 + lane / 16 * 8, col, lane / 8 % 2));
  }
  /// Two b: columns are the product's columns.
  __device__ Fragment right(int row, int col) const {
    const int lane = threadIdx.x % kWarp;
    return load_matrices_turned(data, offset(row, lane % 16, col, lane / 16));
  }
  /// Accumulators of the 16×8 tile at (row, col), times `by`, rounded.
  __device__ void put(int row, int col, const float (&c)[4], float by0 = 1, float by1 = 1) const {
    const int lane = threadIdx.x % kWarp, g = lane / 4, t = lane % 4;
    char* to = reinterpret_cast<char*>(data) + offset(row, g, col, 0) + 4 * t;
    *reinterpret_cast<uint32_t*>(to) = pack_pair<T>(by0 * c[0], by0 * c[1]);
    *reinterpret_cast<uint32_t*>(to + 8 * kRowBytes) = pack_pair<T>(by1 * c[2], by1 * c[3]);
  }

 private:
  static constexpr unsigned kRowBytes = kColumns * sizeof(T), kSpan = kChunks % 8 == 0 ? 128 : 64;
  /// By what the chunks of a row are permuted, within kSpan bytes.
  static __device__ int turn(int row) { return kSpan == 128 ? row & 7 : row >> 1 & 3; }
  /// Bytes to a chunk of row row + r, the one `chunk` (0 or 1) beyond column col. row: a multiple of 8. What depends on the lane,
  /// r and chunk, stands in one term: a row costs an addition, and a column an exclusive or.
  static __device__ unsigned offset(int row, int r, int col, int chunk) {
    const unsigned lane = r * kRowBytes + 16 * (chunk ^ turn(r)), column = col * sizeof(T);
    return ((row * kRowBytes + lane) ^ (column % kSpan)) + column / kSpan * kSpan;
  }
};

}  // namespace cw
