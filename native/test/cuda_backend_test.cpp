// The CUDA backend on the emulation: that lists become graphs, what it reports, and what is left when a card is lost.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "core/poison.h"
#include "ops/cuda/backend.h"
#include "ops/cuda/emulation/state.h"
#include "ops/cuda/launch.h"
#include "test/cuda_emulated.h"

namespace cw::test {
namespace {

Tensor whole(const Buffer& b, int64_t cols) { return Tensor::of(b.data(), DType::f32, 1, cols); }

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

TEST(CudaBackend, MemoryIsGivenBackToItsOwnCard) {
  CudaBackend first(0), second(1);
  const auto kept = first.allocate(4), used = second.allocate(4);
  auto freed = first.allocate(4);
  first.fill({.y = whole(*kept, 1), .value = 7});
  second.synchronize();  // the thread's card is the second one now
  freed.reset();         // sends what waits for the first
  float out = 0;
  first.download(&out, whole(*kept, 1));
  EXPECT_EQ(out, 7);
}

TEST(CudaBackend, FlushingSendsWithoutWaiting) {
  std::atomic<bool> stop{false};
  CudaBackend backend(0);
  const auto b = backend.allocate(4);
  for (int i = 0; i < 3; ++i) {
    backend.fill({.y = whole(*b, 1), .value = 5});
    backend.set_stop(&stop);
    stop = true;  // whoever waits for a card that hangs ends with an error, after a while
    emulation::hang_device(0, true);
    EXPECT_NO_THROW(backend.flush());
    emulation::hang_device(0, false);
    stop = false;
  }
  EXPECT_EQ(backend.graph_launches(), 2);
  backend.flush();
  EXPECT_EQ(backend.graph_launches(), 2) << "nothing was queued";
  float out = 0;
  backend.download(&out, whole(*b, 1));
  EXPECT_EQ(out, 5);
}

TEST(CudaBackend, AProfileHasTheTimesOfOpsAndOfTheirProducts) {
  CudaBackend backend(0);
  const auto b = backend.allocate(64 * 4), scratch = backend.allocate(1 << 18);
  const Tensor x = Tensor::of(b->data(), DType::f32, 2, 4), y = Tensor::of(x.as<float>() + 8, DType::f32, 2, 4);
  const Weight w{.master = Tensor::of(x.as<float>() + 16, DType::f32, 4, 4), .compute = Tensor::of(x.as<float>() + 16, DType::f32, 4, 4)};
  backend.set_scratch(scratch->data(), scratch->bytes());
  const auto work = [&] {
    for (int i = 0; i < 3; ++i) backend.fill({.y = x, .value = 1});
    backend.linear({.x = x, .w = {&w}, .y = y});
    backend.synchronize();
  };
  work();
  EXPECT_TRUE(backend.op_times().empty()) << "not asked for";
  backend.profile(true);
  work();
  work();
  EXPECT_EQ(backend.graph_launches(), 0) << "the parts of a graph have no times";
  std::vector<std::string> found;
  for (const OpTime& t : backend.op_times()) {
    EXPECT_GT(t.ms, 0);
    EXPECT_EQ(t.launches, t.calls) << "each of these is one kernel";
    found.push_back(std::to_string(t.calls) + " " + t.name + (t.shape.empty() ? "" : " ") + t.shape);
  }
  EXPECT_EQ(found, (std::vector<std::string>{"2 linear", "2 product [2, 4] x [4, 4]T f32", "6 fill"}));
  EXPECT_TRUE(backend.op_times().empty()) << "begins anew";
  backend.profile(false);
  work();
  EXPECT_TRUE(backend.op_times().empty());
  EXPECT_EQ(backend.graph_launches(), 1) << "this list ran before the profile";
}

TEST(CudaBackend, ALongProfileNeedsNoMoreEvents) {
  CudaBackend backend(0);
  const auto b = backend.allocate(4);
  backend.profile(true);
  for (int i = 0; i < 10000; ++i) backend.fill({.y = whole(*b, 1)});
  const auto times = backend.op_times();
  ASSERT_EQ(times.size(), 1u);
  EXPECT_EQ(times[0].calls, 10000);
}

TEST(CudaBackend, TakesABiasInTheProductsTypeAsItIs) {
  CudaBackend backend(0);
  const auto memory = backend.allocate(1 << 16);
  const auto matrix = [&](int64_t rows, DType type) { return Tensor::of(memory->data(), type, rows, 64); };
  const Weight w{.master = matrix(64, DType::f32), .compute = matrix(64, DType::bf16)};
  Linear op{.x = matrix(16, DType::bf16), .w = {.weight = &w}, .b = matrix(1, DType::f32), .y = matrix(16, DType::bf16)};
  const Backend& asked = backend;
  const size_t copying = asked.scratch(op);
  op.b_compute = matrix(1, DType::bf16);
  EXPECT_LT(asked.scratch(op), copying);
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
  const With memory("CLIPWRIGHT_EMULATION_MEMORY", "50331648");
  CudaBackend backend(1);  // where no test has left memory behind
  const auto b = backend.allocate(400);
  std::vector<float> out(100, 1.0f);
  backend.download(out.data(), whole(*b, 100));
  EXPECT_EQ(out, std::vector<float>(100, 0.0f));
  const std::string why = message(Code::out_of_memory, [&] { backend.allocate(size_t{64} << 20); });
  EXPECT_NE(why.find("64 MiB"), std::string::npos) << why;
  EXPECT_NE(why.find("of 48 MiB are free"), std::string::npos) << why;
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
  EXPECT_NE(message(Code::device, [&] { backend.fetch({Tensor::of(b->data(), DType::f32, 2, 1)}); }).find("bug"), std::string::npos);
}

TEST(CudaBackend, FreedMemoryCountsAsAvailable) {
  const With memory("CLIPWRIGHT_EMULATION_MEMORY", "50331648");
  CudaBackend backend(1);  // where no test has left memory behind
  auto big = backend.allocate(size_t{10} << 20);
  big.reset();
  EXPECT_GT(backend.available_bytes(), size_t{15} << 20);
  big = backend.allocate(size_t{10} << 20);
  big.reset();
  backend.allocate(size_t{12} << 20);  // the stream has not come to what was freed; not an error
}

TEST(CudaBackend, BackwardAttentionIsOneKernelWhereABlockHoldsTheSequence) {
  const auto scratch = [](int64_t length, int64_t head, DType type) {  // the one kernel needs none
    const Tensor x = Tensor::of(nullptr, type, 2 * length, 2 * head);
    return CudaBackend(0).scratch(AttentionGrad{.q = x, .sequences = {.count = 2, .max_length = length}, .heads = 2});
  };
  EXPECT_GT(scratch(257, 64, DType::bf16), 0u);
  const With memory("CLIPWRIGHT_EMULATION_SHARED", "232448");  // of compute capability 9.0
  for (const int64_t length : {97, 197, 257, 272}) EXPECT_EQ(scratch(length, 64, DType::bf16), 0u) << length << " tokens";
  EXPECT_EQ(scratch(257, 32, DType::f16), 0u);
  for (const int64_t length : {96, 273}) EXPECT_GT(scratch(length, 64, DType::bf16), 0u) << length << " tokens";
  EXPECT_GT(scratch(257, 80, DType::bf16), 0u);
  EXPECT_GT(scratch(257, 64, DType::f32), 0u);
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

}  // namespace
}  // namespace cw::test
