// Barriers in shared memory that count arrivals and bytes, and bulk copies of tiles that end at them: compute capability 9.0.
// Source: PTX ISA 8.8, "mbarrier" and "cp.async.bulk.tensor". Emulated by emulation/bulk.h.
#pragma once
#include "ops/cuda/device/mma.cuh"
#include "ops/cuda/launch.h"
#include "ops/cuda/tensor_map.h"

namespace cw {

#ifdef CW_CUDA_EMULATED

inline uint32_t shared_address(const void* p) { return emulation::shared_address(p); }
inline void init_barrier(uint64_t* barrier, unsigned arrivals) { emulation::init_barrier(barrier, arrivals); }
inline void publish_barriers() {}
inline void arrive(uint64_t* barrier) { emulation::arrive(barrier, 0); }
inline void arrive_expecting(uint64_t* barrier, unsigned bytes) { emulation::arrive(barrier, bytes); }
inline bool wait(uint64_t* barrier, unsigned parity) { return emulation::wait(barrier, parity); }
inline void copy_tile(void* to, const TensorMap& map, int column, int row, uint64_t* barrier) {
  emulation::copy_tile(to, map, column, row, barrier);
}

#else

__device__ inline void init_barrier(uint64_t* barrier, unsigned arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(arrivals) : "memory");
}

/// By whoever initialised them, before the block's next barrier: bulk copies see them then, too.
__device__ inline void publish_barriers() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

__device__ inline void arrive(uint64_t* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
}

/// Arrives, and makes the phase wait for so many bytes more.
__device__ inline void arrive_expecting(uint64_t* barrier, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes) : "memory");
}

/// Until the barrier's phase of that parity (0, 1, 0, …) is over. False after a second or so: it will never be.
__device__ inline bool wait(uint64_t* barrier, unsigned parity) {
  constexpr long long kPatience = 1ll << 31;  // of clock64(), whose ticks are of 1 to 2 GHz
  const uint32_t address = shared_address(barrier);
  const long long begin = clock64();
  do {
    uint32_t over;
    asm volatile(
        "{\n"
        ".reg .pred p;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.b32 %0, 1, 0, p;\n"
        "}"
        : "=r"(over)
        : "r"(address), "r"(parity)
        : "memory");
    if (over) return true;
  } while (clock64() - begin < kPatience);
  return false;
}

/// Begins to copy the map's box at (row, column) to shared memory, at a multiple of 1024 bytes; zeros where it is beyond the
/// matrix. The barrier gets its bytes. map: a parameter of the kernel, __grid_constant__. One thread calls.
__device__ inline void copy_tile(void* to, const TensorMap& map, int column, int row, uint64_t* barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" ::"r"(
                   shared_address(to)),
               "l"(&map), "r"(shared_address(barrier)), "r"(column), "r"(row)
               : "memory");
}

#endif

}  // namespace cw
