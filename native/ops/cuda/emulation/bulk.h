// What runs beside the threads of a block: barriers in shared memory that count arrivals and bytes (mbarrier), bulk copies of
// tiles, and shared memory by its addresses, which descriptors of matrices hold. Source: PTX ISA 8.8, "mbarrier",
// "cp.async.bulk.tensor", "Swizzling modes". A copy arrives when nothing else can go on, one after another in the order that
// CLIPWRIGHT_EMULATION_ORDER says; until then its place holds NaN, from the moment at which it begins.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>

#include "ops/cuda/emulation/tensor_map.h"

namespace cw::emulation {

/// Of a place in the block's dynamic shared memory. The first is at a multiple of 16 bytes only, as nothing more is promised.
uint32_t shared_address(const void* p, std::source_location where = std::source_location::current());
/// The bytes at an address; a fault where they are not all the block's.
std::byte* shared_at(uint32_t address, size_t bytes, std::source_location where = std::source_location::current());
/// Where a byte lies that belongs at `address`, in tiles whose rows of 128 bytes are swizzled.
constexpr uint32_t swizzled(uint32_t address) { return address ^ (address >> 7 & 7) << 4; }

void init_barrier(uint64_t* barrier, unsigned arrivals);
/// One arrival, after `bytes` more are expected.
void arrive(uint64_t* barrier, unsigned bytes, std::source_location where = std::source_location::current());
/// Until the phase of that parity is over. False: never, because all that could end it waits as well.
bool wait(uint64_t* barrier, unsigned parity, std::source_location where = std::source_location::current());

/// The map's box at (row, column); zeros beyond the matrix.
void copy_tile(void* to, const CUtensorMap& map, int column, int row, uint64_t* barrier,
               std::source_location where = std::source_location::current());

/// For tests: what copies do while it lives. Lost ones never come; the first element of a spoilt one is another.
enum class CopyFault { lost, spoilt };
class WithCopyFault {
 public:
  explicit WithCopyFault(CopyFault fault);
  ~WithCopyFault();
  WithCopyFault(const WithCopyFault&) = delete;
};

/// Of block.cpp. Something that happens beside the threads, later.
void later(std::function<void()> happen);
/// Lets others go on; false where nothing goes on any more. progressed: whoever polled has what it waited for.
bool poll(std::source_location where);
void progressed();
size_t shared_dynamic_bytes();

}  // namespace cw::emulation
