// The CUDA backend and the emulation that it is tested on: what each must report, and that lists become graphs.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/poison.h"
#include "ops/cuda/backend.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/emulation/state.h"
#include "ops/cuda/launch.h"

namespace cw::test {
namespace {

/// An environment variable for one test.
class With {
 public:
  With(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~With() { unsetenv(name_); }

 private:
  const char* name_;
};

template <class Body>
std::string message(Code code, Body&& body) {
  try {
    body();
  } catch (const Error& e) {
    EXPECT_EQ(e.code, code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

Tensor whole(const Buffer& b, int64_t cols) { return Tensor::of(b.data(), DType::f32, 1, cols); }

// ---- the backend ---------------------------------------------------------------------------------------------------

TEST(CudaBackend, ListsSeenBeforeAreOneGraphLaunch) {
  CudaBackend backend(0);
  const auto a = backend.allocate(64), b = backend.allocate(64);
  const Tensor x = whole(*a, 16), y = whole(*b, 16);
  for (int step = 1; step <= 6; ++step) {
    const std::vector<float> in(16, static_cast<float>(step));
    std::vector<float> out(16);
    backend.upload(x, in.data());
    backend.clamp({.x = x, .low = -1, .high = 4});
    backend.cast({.x = x, .y = y});
    backend.download(out.data(), y);
    EXPECT_EQ(out, std::vector<float>(16, static_cast<float>(std::min(step, 4)))) << "step " << step;
  }
  // Uploads take turns in two halves of staging, so there are two lists: each runs once, then is captured.
  EXPECT_EQ(backend.graph_launches(), 4);
}

TEST(CudaBackend, AnotherScalarIsAnotherList) {
  CudaBackend backend(0);
  const auto b = backend.allocate(4);
  for (const float value : {1.0f, 2.0f, 1.0f, 2.0f, 3.0f}) {
    float out = 0;
    backend.fill({.y = whole(*b, 1), .value = value});
    backend.download(&out, whole(*b, 1));
    EXPECT_EQ(out, value);
  }
  EXPECT_EQ(backend.graph_launches(), 2);
}

TEST(CudaBackend, HostMemoryMayBeReusedAfterUpload) {
  CudaBackend backend(0);
  const auto b = backend.allocate(4000);
  std::vector<float> values(1000, 1.0f), out(1000);
  backend.upload(whole(*b, 1000), values.data());
  std::fill(values.begin(), values.end(), 2.0f);
  backend.download(out.data(), whole(*b, 1000));
  EXPECT_EQ(out, std::vector<float>(1000, 1.0f));
}

TEST(CudaBackend, StagingGrowsAndKeepsTheOrder) {
  CudaBackend backend(0);
  const int64_t n = 3 << 18;  // 3 MiB, more than staging begins with
  const auto b = backend.allocate(static_cast<size_t>(n) * 4);
  std::vector<float> out(static_cast<size_t>(n));
  for (int step = 0; step < 5; ++step) {
    for (const float value : {1.0f, 2.0f, 3.0f + static_cast<float>(step)}) {
      const std::vector<float> in(static_cast<size_t>(n), value);
      backend.upload(whole(*b, n), in.data());
    }
    backend.download(out.data(), whole(*b, n));
    EXPECT_EQ(out.front(), 3 + step);
    EXPECT_EQ(out.back(), 3 + step);
  }
}

TEST(CudaBackend, MemoryIsZeroedAndRefusedWithNumbers) {
  const With memory("CLIPWRIGHT_EMULATION_MEMORY", "16777216");
  CudaBackend backend(0);
  const auto b = backend.allocate(400);
  std::vector<float> out(100, 1.0f);
  backend.download(out.data(), whole(*b, 100));
  EXPECT_EQ(out, std::vector<float>(100, 0.0f));
  const std::string why = message(Code::out_of_memory, [&] { backend.allocate(size_t{64} << 20); });
  EXPECT_NE(why.find("64 MiB"), std::string::npos) << why;
  EXPECT_NE(why.find("16 MiB"), std::string::npos) << why;
  EXPECT_NE(why.find("microBatch"), std::string::npos) << why;
  backend.fill({.y = whole(*b, 100), .value = 5});  // still usable
  backend.download(out.data(), whole(*b, 100));
  EXPECT_EQ(out.front(), 5);
}

TEST(CudaBackend, FetchedValuesAreThoseOfTheirTime) {
  CudaBackend backend(0);
  const auto a = backend.allocate(4), b = backend.allocate(8);
  std::vector<std::unique_ptr<Arrival>> arrivals;
  for (const float value : {1.0f, 2.0f, 3.0f}) {
    backend.fill({.y = whole(*a, 1), .value = value});
    backend.fill({.y = whole(*b, 2), .value = -value});
    arrivals.push_back(backend.fetch({whole(*a, 1), whole(*b, 2)}));
  }
  for (const float value : {1.0f, 2.0f, 3.0f}) {
    EXPECT_EQ(arrivals.front()->wait(), (std::vector<float>{value, -value, -value}));
    arrivals.erase(arrivals.begin());
  }
  EXPECT_NE(message(Code::device, [&] { backend.fetch({whole(*a, 65)}); }).find("bug"), std::string::npos);
}

TEST(CudaBackend, FreedMemoryCountsAsAvailable) {
  const With memory("CLIPWRIGHT_EMULATION_MEMORY", "16777216");
  CudaBackend backend(0);
  auto big = backend.allocate(size_t{10} << 20);
  big.reset();
  EXPECT_GT(backend.available_bytes(), size_t{15} << 20);
  big = backend.allocate(size_t{10} << 20);
  big.reset();
  backend.allocate(size_t{12} << 20);  // the stream has not come to what was freed; not an error
}

TEST(CudaBackend, CardsAreIndependent) {
  CudaBackend first(0), second(1);
  const auto a = first.allocate(4), b = second.allocate(4);
  first.fill({.y = whole(*a, 1), .value = 1});
  second.fill({.y = whole(*b, 1), .value = 2});
  float x = 0, y = 0;
  first.download(&x, whole(*a, 1));
  second.download(&y, whole(*b, 1));
  EXPECT_EQ(x, 1);
  EXPECT_EQ(y, 2);
  EXPECT_NE(message(Code::no_cuda, [] { CudaBackend third(2); }).find("2 CUDA cards"), std::string::npos);
}

TEST(CudaBackend, AHangingCardIsLeftWhenTheSessionIsClosed) {
  std::atomic<bool> stop{false};
  std::unique_ptr<Arrival> arrival;
  std::unique_ptr<Buffer> b;
  {
    CudaBackend backend(1);
    backend.set_stop(&stop);
    b = backend.allocate(4);
    backend.fill({.y = whole(*b, 1)});
    arrival = backend.fetch({whole(*b, 1)});
    emulation::hang_device(1, true);
    std::thread closes([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      stop = true;
    });
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_NE(message(Code::device, [&] { arrival->wait(); }).find("did not finish"), std::string::npos);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(15));
    closes.join();
    arrival.reset();
    b.reset();
  }  // leaves streams, events and memory alone: whatever waited would have ended this process
  cudaSetDevice(1);
  emulation::hang_device(1, false);
  cudaDeviceReset();
  cudaSetDevice(0);
}

TEST(CudaBackend, AStickyErrorClosesIt) {
  cudaSetDevice(1);
  {
    CudaBackend broken(1), other(0);
    const auto b = broken.allocate(4), o = other.allocate(4);
    // Indices from beyond the table: nobody checks them before the kernel runs, here by a fault of its own.
    cudaSetDevice(1);
    const OwnedStream stream = make_stream();
    launch(stream.get(), {"faulty", 1, 1}, +[] { emulation::fault("was made to fail"); });
    cudaStreamSynchronize(stream.get());
    const auto use = [&] { broken.fill({.y = whole(*b, 1)}), broken.synchronize(); };
    EXPECT_NE(message(Code::device, use).find("kernel faulty"), std::string::npos);
    EXPECT_NE(message(Code::device, use).find("closed by an earlier error"), std::string::npos);
    other.fill({.y = whole(*o, 1)});
    other.synchronize();
  }
  cudaSetDevice(1);
  cudaDeviceReset();
  cudaSetDevice(0);
}

// ---- faults that the emulation must find -------------------------------------------------------------------------------

/// Runs a kernel over 64 floats of device memory; gives what went wrong and what it wrote.
template <class... P>
std::string run(std::vector<float>& out, unsigned threads, void (*kernel)(P...)) {
  cudaSetDevice(0);
  const OwnedStream stream = make_stream();
  const DeviceMemory memory = make_device_memory(out.size() * sizeof(float), 0);
  launch(stream.get(), {"tested", 1, threads}, kernel, static_cast<float*>(memory.get()));
  const cudaError_t error = cudaStreamSynchronize(stream.get());
  const std::string wrong = error == cudaSuccess ? "" : cudaGetErrorString(error);
  cudaDeviceReset();
  if (error == cudaSuccess) {
    cudaMemcpyAsync(out.data(), memory.get(), out.size() * sizeof(float), cudaMemcpyDeviceToHost, stream.get());
    cudaStreamSynchronize(stream.get());
  }
  return wrong;
}

template <bool with_barrier>
__global__ void reverse_kernel(float* out) {
  CW_SHARED(float, tile, [64]);
  tile[threadIdx.x] = static_cast<float>(threadIdx.x);
  if (with_barrier) __syncthreads();
  out[threadIdx.x] = tile[63 - threadIdx.x];
}

TEST(CudaEmulation, AMissingBarrierShowsInEveryOrder) {
  std::vector<float> want(64), got(64);
  for (size_t i = 0; i < 64; ++i) want[i] = static_cast<float>(63 - i);
  for (const char* order : {"ascending", "descending", "1", "2"}) {
    const With with("CLIPWRIGHT_EMULATION_ORDER", order);
    EXPECT_EQ(run(got, 64, reverse_kernel<true>), "");
    EXPECT_EQ(got, want) << order;
    EXPECT_EQ(run(got, 64, reverse_kernel<false>), "");
    EXPECT_NE(got, want) << order;
  }
}

__global__ void divergent_kernel(float*) {
  if (threadIdx.x < 32) __syncthreads();
}
__global__ void two_barriers_kernel(float*) {
  if (threadIdx.x < 32)
    __syncthreads();
  else
    __syncthreads();
}
__global__ void lonely_shuffle_kernel(float* out) {
  if (threadIdx.x % 2) out[threadIdx.x] = reduce_warp(1.0f);
}
__global__ void misaligned_kernel(float* out) { *out = load_pack(out + 1).v[0]; }

TEST(CudaEmulation, NamesKernelAndLineOfBarriersThatNotAllReach) {
  std::vector<float> out(64);
  EXPECT_NE(run(out, 64, divergent_kernel).find("kernel tested, block (0, 0, 0)"), std::string::npos);
  EXPECT_NE(run(out, 64, two_barriers_kernel).find("waits elsewhere (cuda_test.cpp:"), std::string::npos);
  EXPECT_NE(run(out, 64, lonely_shuffle_kernel).find("(reduce.cuh:"), std::string::npos);
  EXPECT_NE(run(out, 1, misaligned_kernel).find("no multiple of 16"), std::string::npos);
}

template <int index>
__global__ void write_kernel(float* out) {
  out[index] = 1;
}
template <int index>
__global__ void write_shared_kernel(float* out) {
  CW_SHARED(float, tile, [64]);
  float* at = tile;  // so that the compiler does not see through it
  at[index + static_cast<int>(blockDim.x) - 1] = 1;
  out[0] = tile[0];
}
template <int index>
__global__ void read_kernel(float* out) {
  out[0] = out[index];
}

/// Expects the message, or in builds with AddressSanitizer its report instead.
template <class... P>
void expect_out_of_bounds(void (*kernel)(P...), const std::string& where) {
  std::vector<float> out(63);  // the end is no multiple of anything
  if (kRedZone > 0)
    EXPECT_DEATH(run(out, 1, kernel), "use-after-poison");
  else
    EXPECT_EQ(run(out, 1, kernel), where);
}

TEST(CudaEmulation, FindsAnIndexOutOfBounds) {
  const std::string tested = "kernel tested: wrote ", block = "kernel tested, block (0, 0, 0): wrote ";
  expect_out_of_bounds(write_kernel<63>, tested + "byte 0 past the end of 252 bytes of device memory");
  expect_out_of_bounds(write_kernel<70>, tested + "byte 28 past the end of 252 bytes of device memory");
  expect_out_of_bounds(write_kernel<-1>, tested + "byte 4 before the start of 252 bytes of device memory");
  expect_out_of_bounds(write_shared_kernel<64>, block + "byte 0 past the end of 256 bytes of shared memory");
  expect_out_of_bounds(write_shared_kernel<-1>, block + "byte 4 before the start of 256 bytes of shared memory");
  std::vector<float> out(63);
  if (kRedZone > 0)
    EXPECT_DEATH(run(out, 1, read_kernel<63>), "use-after-poison");
  else
    EXPECT_TRUE(run(out, 1, read_kernel<63>).empty() && std::isnan(out[0]));
}

__global__ void sum_kernel(float* out) { out[threadIdx.x] = reduce_block(static_cast<float>(threadIdx.x)); }
__global__ void read_shared_kernel(float* out) {
  CW_SHARED(float, tile, [64]);
  out[threadIdx.x] = tile[threadIdx.x];
}

TEST(CudaEmulation, SumsOverBlocksAndPoisonsSharedMemory) {
  std::vector<float> out(64);
  EXPECT_EQ(run(out, 64, sum_kernel), "");
  EXPECT_EQ(out, std::vector<float>(64, 63 * 64 / 2.0f));
  EXPECT_EQ(run(out, 64, read_shared_kernel), "");
  for (const float x : out) EXPECT_TRUE(std::isnan(x));
}

TEST(CudaEmulation, RefusesWhatHardwareRefuses) {
  std::vector<float> out(64);
  EXPECT_NE(message(Code::device, [&] { run(out, 1025, sum_kernel); }).find("launching kernel tested"), std::string::npos);
  const OwnedStream stream = make_stream();
  const LaunchShape too_much_shared{"tested", 1, 32, 100 * 1024}, too_tall{"tested", {1, 65536}, 32};
  message(Code::device, [&] { launch(stream.get(), too_much_shared, sum_kernel, out.data()); });
  message(Code::device, [&] { launch(stream.get(), too_tall, sum_kernel, out.data()); });
  // Host memory given for device memory.
  std::vector<float> host(4);
  EXPECT_EQ(cudaMemsetAsync(host.data(), 0, 16, stream.get()), cudaErrorInvalidValue);
}

TEST(CudaEmulation, AMissingEventIsAWrongResult) {
  cudaSetDevice(0);
  for (const bool with_event : {true, false}) {
    const OwnedStream copies = make_stream(), main = make_stream();
    const OwnedEvent arrived = make_event();
    const PinnedMemory host = make_pinned(4), back = make_pinned(4);
    const DeviceMemory device = make_device_memory(4, 0);
    *static_cast<float*>(host.get()) = 7;
    CW_CUDA(cudaMemcpyAsync(device.get(), host.get(), 4, cudaMemcpyHostToDevice, copies.get()));
    CW_CUDA(cudaEventRecord(arrived.get(), copies.get()));
    if (with_event) CW_CUDA(cudaStreamWaitEvent(main.get(), arrived.get()));
    CW_CUDA(cudaMemcpyAsync(back.get(), device.get(), 4, cudaMemcpyDeviceToHost, main.get()));
    CW_CUDA(cudaStreamSynchronize(main.get()));
    EXPECT_EQ(*static_cast<float*>(back.get()) == 7, with_event);
  }
}

}  // namespace
}  // namespace cw::test
