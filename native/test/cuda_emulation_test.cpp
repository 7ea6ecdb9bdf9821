// The emulation that the CUDA backend is tested on: the faults of kernels that it must find.
#include <gtest/gtest.h>

#include <vector>

#include "core/poison.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/emulation/state.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/runtime.h"
#include "test/cuda_emulated.h"

namespace cw::test {
namespace {

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
  EXPECT_NE(run(out, 64, two_barriers_kernel).find("waits elsewhere (cuda_emulation_test.cpp:"), std::string::npos);
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

__global__ void both_kinds_of_shared_kernel(float* out) {
  CW_SHARED(float, tile, [64]);
  CW_SHARED_DYNAMIC(float, buffer);
  out[0] = tile[0] = buffer[0] = 1;
}

TEST(CudaEmulation, StaticAndDynamicSharedMemoryHaveOneLimit) {
  constexpr size_t kMost = 99 * 1024, kStatic = 64 * sizeof(float);
  for (const size_t dynamic : {kMost - kStatic, kMost - kStatic + 4}) {
    const OwnedStream stream = make_stream();
    const DeviceMemory memory = make_device_memory(sizeof(float), 0);
    launch(stream.get(), {"tested", 1, 1, dynamic}, both_kinds_of_shared_kernel, static_cast<float*>(memory.get()));
    const bool fits = dynamic + kStatic <= kMost;
    EXPECT_EQ(cudaStreamSynchronize(stream.get()) == cudaSuccess, fits) << dynamic;
    cudaDeviceReset();
  }
}

TEST(CudaEmulation, RefusesWhatACaptureForbids) {
  cudaSetDevice(0);
  const OwnedStream stream = make_stream(), other = make_stream();
  const OwnedEvent event = make_event();
  const DeviceMemory memory = make_device_memory(4, 0);
  const auto forbidden = [&] {
    void* more = nullptr;
    return std::vector<cudaError_t>{cudaMalloc(&more, 4),           cudaMallocHost(&more, 4),      cudaFree(nullptr),
                                    cudaFreeHost(nullptr),          cudaEventQuery(event.get()),   cudaEventSynchronize(event.get()),
                                    cudaStreamQuery(other.get()), cudaStreamSynchronize(other.get())};
  };
  CW_CUDA(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal));
  CW_CUDA(cudaMemsetAsync(memory.get(), 0, 4, stream.get()));
  for (const cudaError_t e : forbidden()) EXPECT_EQ(e, cudaErrorStreamCaptureUnsupported);
  cudaGraph_t graph = nullptr;
  CW_CUDA(cudaStreamEndCapture(stream.get(), &graph));
  const OwnedGraph owned(graph);
  EXPECT_EQ(cudaEventQuery(event.get()), cudaSuccess);
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
  // Rows that lie further apart than any card's copies reach, were there only one.
  const DeviceMemory memory = make_device_memory(4, 0);
  const auto copy = [&](size_t pitch) {
    return cudaMemcpy2DAsync(host.data(), 4, memory.get(), pitch, 4, 1, cudaMemcpyDeviceToHost, stream.get());
  };
  EXPECT_EQ(copy(0x7fffffff), cudaSuccess);
  EXPECT_EQ(copy(0x80000000), cudaErrorInvalidValue);
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
