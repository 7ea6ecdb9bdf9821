// Cards: how many, what they can do, what broke them, and their memory.
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "core/poison.h"
#include "ops/cuda/emulation/device_memory.h"
#include "ops/cuda/emulation/guarded.h"
#include "ops/cuda/emulation/state.h"

namespace cw::emulation {
namespace {

struct Allocation {
  std::unique_ptr<const Guarded> memory;
  Side side;
  int device;
};

struct State {
  std::mutex mutex;
  std::map<uintptr_t, Allocation> allocations;
  std::map<int, std::string> broken;
  std::set<int> hanging;
  std::map<int, size_t> used;
  std::string last_fault;
};
State& state() {
  static State& s = *new State;  // outlives what is freed at exit
  return s;
}
thread_local int device = 0;
thread_local double clock_ms = 0;

size_t from_environment(const char* name, size_t otherwise) {
  const char* text = std::getenv(name);
  return text && *text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// 80 stands for 8.0. By default the least that is supported, too.
int capability() { return static_cast<int>(from_environment("CLIPWRIGHT_EMULATION_CAPABILITY", 80)); }

cudaError_t allocate(void** data, size_t bytes, Side side) {
  if (captures()) return cudaErrorStreamCaptureUnsupported;
  State& s = state();
  const std::lock_guard lock(s.mutex);
  if (side == Side::device && bytes > memory_of_device() - s.used[device]) return cudaErrorMemoryAllocation;
  try {
    auto memory = std::make_unique<const Guarded>(bytes);
    *data = memory->data();
    if (side == Side::device) add_deferred(*data, bytes);
    s.allocations[reinterpret_cast<uintptr_t>(*data)] = {std::move(memory), side, device};
  } catch (const std::bad_alloc&) {
    return cudaErrorMemoryAllocation;
  }
  if (side == Side::device) s.used[device] += bytes;
  return cudaSuccess;
}

cudaError_t release(void* data, Side side) {
  if (!data) return cudaSuccess;
  State& s = state();
  const std::lock_guard lock(s.mutex);
  const auto found = s.allocations.find(reinterpret_cast<uintptr_t>(data));
  if (found == s.allocations.end() || found->second.side != side) return cudaErrorInvalidValue;
  if (side == Side::device) s.used[found->second.device] -= found->second.memory->bytes();
  if (side == Side::device) remove_deferred(data);
  s.allocations.erase(found);
  return cudaSuccess;
}

/// The allocation that holds p, or null. Under the lock.
const std::pair<const uintptr_t, Allocation>* holder(State& s, const void* p) {
  const auto at = reinterpret_cast<uintptr_t>(p);
  auto next = s.allocations.upper_bound(at);
  if (next == s.allocations.begin()) return nullptr;
  --next;
  return at - next->first < std::max<size_t>(next->second.memory->bytes(), 1) ? &*next : nullptr;
}

}  // namespace

int current_device() { return device; }
size_t memory_of_device() { return from_environment("CLIPWRIGHT_EMULATION_MEMORY", size_t{4} << 30); }
/// By default the least of 8.0 and later cards: kernels that ask for more must have found out that it is there.
size_t shared_memory_of_block() { return from_environment("CLIPWRIGHT_EMULATION_SHARED", 99 * 1024); }
int device_count() { return static_cast<int>(from_environment("CLIPWRIGHT_EMULATION_DEVICES", 2)); }

cudaError_t sticky() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  return s.broken.contains(device) ? cudaErrorLaunchFailure : cudaSuccess;
}

void break_device(int which, const std::string& why) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  s.broken.emplace(which, why);
  s.last_fault = why;
}

void hang_device(int which, bool hangs) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  hangs ? (void)s.hanging.insert(which) : (void)s.hanging.erase(which);
}

bool hangs() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  return s.hanging.contains(device);
}

void pass_time(double ms) { clock_ms += ms; }
double device_time() { return clock_ms; }

Side side_of(const void* p) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  const auto* a = holder(s, p);
  return a ? a->second.side : Side::pageable;
}

bool on_device(const void* p, size_t bytes) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  const auto* a = holder(s, p);
  return a && a->second.side == Side::device && a->second.device == device &&
         reinterpret_cast<uintptr_t>(p) - a->first + bytes <= a->second.memory->bytes();
}

std::string damage() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  for (const auto& [at, a] : s.allocations) {
    if (a.device != device) continue;
    if (const std::string where = a.memory->damage(); !where.empty())
      return "wrote " + where + (a.side == Side::device ? " of device memory" : " of pinned host memory");
  }
  return "";
}

}  // namespace cw::emulation

using namespace cw::emulation;

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorInsufficientDriver: return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle: return "invalid resource handle";
    case cudaErrorNotReady: return "device not ready";
    case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureIsolation: return "dependency created on uncaptured work in another stream";
    case cudaErrorLaunchFailure: {
      State& s = state();
      const std::lock_guard lock(s.mutex);
      thread_local std::string text;
      text = s.last_fault;
      return text.c_str();
    }
  }
  return "unknown error";
}

cudaError_t cudaGetLastError() { return sticky(); }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = device_count();
  return *count > 0 ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaSetDevice(int which) {
  if (which < 0 || which >= device_count()) return cudaErrorInvalidDevice;
  device = which;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* which) {
  *which = device;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int which) {
  if (which < 0 || which >= device_count()) return cudaErrorInvalidDevice;
  *properties = {.name = "emulated card", .major = capability() / 10, .minor = capability() % 10};
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int which) {
  if (which < 0 || which >= device_count()) return cudaErrorInvalidDevice;
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount: *value = 4; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor: *value = capability() / 10; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor: *value = capability() % 10; return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = static_cast<int>(shared_memory_of_block()); return cudaSuccess;
    case cudaDevAttrMemoryPoolsSupported: *value = 1; return cudaSuccess;
  }
  return cudaErrorInvalidValue;
}

cudaError_t cudaDeviceReset() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  s.broken.erase(device);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  *total = memory_of_device();
  *free = *total - s.used[device];
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** data, size_t bytes) {
  if (const cudaError_t e = sticky()) return e;
  return allocate(data, bytes, Side::device);
}

cudaError_t cudaFree(void* data) {
  if (captures()) return cudaErrorStreamCaptureUnsupported;
  finish_device();  // cudaFree waits
  return release(data, Side::device);
}

cudaError_t cudaMallocHost(void** data, size_t bytes) { return allocate(data, bytes, Side::pinned); }

cudaError_t cudaFreeHost(void* data) {
  if (captures()) return cudaErrorStreamCaptureUnsupported;
  finish_device();
  return release(data, Side::pinned);
}

// Pools keep nothing here: what cudaFreeAsync gave back is free once the stream has come to it.
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) {
  *pool = &state();
  return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) { return cudaSuccess; }
cudaError_t cudaMallocAsync(void** data, size_t bytes, cudaStream_t) { return cudaMalloc(data, bytes); }
