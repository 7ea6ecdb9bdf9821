#include "ops/cuda/emulation/bulk.h"

#include <atomic>
#include <cstring>
#include <optional>

#include "ops/cuda/emulation/device.h"
#include "ops/cuda/emulation/device_memory.h"
#include "ops/cuda/emulation/guarded.h"

namespace cw::emulation {
namespace {

constexpr uint32_t kFirst = 1024 + 16;  // of the dynamic shared memory: the system has what is below

std::atomic<std::optional<CopyFault>> copy_fault;

/// A barrier's word. `expected` of all ones is shared memory that nobody initialised.
struct Barrier {
  static constexpr unsigned kNever = (1u << 14) - 1;
  unsigned pending : 14, expected : 14, phase : 1, unused : 3;
  int bytes;  // that are still to come, less those that came before they were expected

  static Barrier load(const uint64_t* word) {
    Barrier b;
    std::memcpy(&b, word, sizeof b);
    return b;
  }
  void store(uint64_t* word) {
    if (pending == 0 && bytes == 0) {
      phase ^= 1;
      pending = expected;
    }
    std::memcpy(word, this, sizeof *this);
  }
};
static_assert(sizeof(Barrier) == sizeof(uint64_t));

struct TileCopy {
  CUtensorMap map;
  int column, row;
  std::byte* to;
  uint32_t address;
  uint64_t* barrier;

  int bytes() const { return map.box_rows * map.box_columns * 2; }
  void run() const {
    for (int r = 0; r < map.box_rows; ++r)
      for (int c = 0; c < map.box_columns; ++c) {
        const int64_t from_row = row + r, from_column = column + c;
        uint16_t element = 0;
        if (from_row >= 0 && from_row < map.rows && from_column >= 0 && from_column < map.columns)
          std::memcpy(&element, static_cast<const std::byte*>(map.base) + from_row * map.row_bytes + 2 * from_column, 2);
        const uint32_t at = address + static_cast<uint32_t>(r * map.box_columns + c) * 2;
        std::memcpy(to + (swizzled(at) - address), &element, 2);
      }
    if (copy_fault.load() == CopyFault::spoilt) to[1] ^= std::byte{0x40};
    Barrier b = Barrier::load(barrier);
    b.bytes -= bytes();
    b.store(barrier);
  }
};

}  // namespace

WithCopyFault::WithCopyFault(CopyFault fault) { copy_fault = fault; }
WithCopyFault::~WithCopyFault() { copy_fault = std::nullopt; }

uint32_t shared_address(const void* p, std::source_location where) {
  const auto offset = static_cast<const std::byte*>(p) - static_cast<const std::byte*>(shared_dynamic());
  if (offset < 0 || static_cast<size_t>(offset) > shared_dynamic_bytes())
    fault("takes the address of something that is not in dynamic shared memory", where);
  return kFirst + static_cast<uint32_t>(offset);
}

std::byte* shared_at(uint32_t address, size_t bytes, std::source_location where) {
  if (address < kFirst || address - kFirst + bytes > shared_dynamic_bytes())
    fault("reads shared memory beyond the block's", where);
  return static_cast<std::byte*>(shared_dynamic()) + (address - kFirst);
}

void init_barrier(uint64_t* barrier, unsigned arrivals) {
  Barrier{.pending = arrivals, .expected = arrivals, .phase = 0, .unused = 0, .bytes = 0}.store(barrier);
}

void arrive(uint64_t* barrier, unsigned bytes, std::source_location where) {
  Barrier b = Barrier::load(barrier);
  if (b.expected == Barrier::kNever) fault("arrives at a barrier that was never initialised", where);
  if (b.pending == 0) fault("arrives once more than its barrier expects", where);
  b.bytes += static_cast<int>(bytes);
  --b.pending;
  b.store(barrier);
}

bool wait(uint64_t* barrier, unsigned parity, std::source_location where) {
  for (;;) {
    const Barrier b = Barrier::load(barrier);
    if (b.expected == Barrier::kNever) fault("waits at a barrier that was never initialised", where);
    if (b.phase != parity) break;
    if (!poll(where)) return false;
  }
  progressed();
  return true;
}

void copy_tile(void* to, const CUtensorMap& map, int column, int row, uint64_t* barrier, std::source_location where) {
  const uint32_t address = shared_address(to, where);
  TileCopy copy{.map = map, .column = column, .row = row, .to = nullptr, .address = address, .barrier = barrier};
  copy.to = shared_at(copy.address, static_cast<size_t>(copy.bytes()), where);
  if (copy.address % 1024 != 0) fault("copies a swizzled tile to an address that is no multiple of 1024", where);
  if (Barrier::load(barrier).expected == Barrier::kNever) fault("copies with a barrier that was never initialised", where);
  if (!on_device(map.base, static_cast<size_t>((map.rows - 1) * map.row_bytes + 2 * map.columns)))
    fault("copies from a matrix that is not all in the card's memory", where);
  std::memset(copy.to, kPoison, static_cast<size_t>(copy.bytes()));
  if (copy_fault.load() != CopyFault::lost) later([copy] { copy.run(); });
}

}  // namespace cw::emulation
