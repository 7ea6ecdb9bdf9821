// Where NCCL is looked for, and which one will do; test/ranks has ranks that talk by it.
#include <gtest/gtest.h>

#include "ops/cuda/emulation/poll.h"
#include "ops/cuda/nccl_search.h"
#include "ops/cuda/runtime.h"
#include "test/cuda_emulated.h"

namespace cw::test {
namespace {

TEST(CudaNccl, IsTheFileThatIsNamed) {
  const With named("CLIPWRIGHT_NCCL", CW_FAKE_NCCL_WHOLE);
  std::string why;
  const auto found = nccl::find_library(&why);
  ASSERT_TRUE(found) << why;
  EXPECT_EQ(nccl::readable(found->version), "2.27.3");
}

TEST(CudaNccl, ANamedFileThatDoesNotDoIsAnErrorWithItsReason) {
  const auto why = [](const char* file) {
    const With named("CLIPWRIGHT_NCCL", file);
    return message(Code::unsupported, [] {
      std::string unused;
      nccl::find_library(&unused);
    });
  };
  const auto expect = [&](const char* file, const std::string& words) {
    EXPECT_NE(why(file).find(words), std::string::npos) << why(file);
  };
  expect(CW_FAKE_NCCL_PARTIAL, "has no function ncclReduceScatter");
  expect("/nowhere/libnccl.so", "CLIPWRIGHT_NCCL names a file that cannot be used: /nowhere/libnccl.so");
  const With old("CLIPWRIGHT_FAKE_NCCL_VERSION", "21304");
  expect(CW_FAKE_NCCL_WHOLE, "is NCCL 2.13.4, and 2.14.0 or later is needed");
}

TEST(CudaNccl, CanBeTurnedOff) {
  const With off("CLIPWRIGHT_NCCL", "off");
  std::string why;
  EXPECT_FALSE(nccl::find_library(&why));
  EXPECT_EQ(why, "CLIPWRIGHT_NCCL is off");
}

TEST(CudaNccl, WhatWaitsForOtherRanksHoldsUpItsStreamAndNobodyElse) {
  cudaSetDevice(0);
  const OwnedStream stream = make_stream(), behind = make_stream(), beside = make_stream();
  const OwnedEvent after = make_event();
  bool come = false;
  const auto look = [](void* data) { return *static_cast<bool*>(data); };
  ASSERT_EQ(emulation::poll_on(stream.get(), look, &come), cudaSuccess);
  cudaEventRecord(after.get(), stream.get());
  cudaStreamWaitEvent(behind.get(), after.get());
  EXPECT_EQ(cudaStreamQuery(stream.get()), cudaErrorNotReady);
  EXPECT_EQ(cudaEventQuery(after.get()), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamQuery(behind.get()), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamQuery(beside.get()), cudaSuccess);
  come = true;
  EXPECT_EQ(cudaStreamQuery(behind.get()), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(after.get()), cudaSuccess);
  // A graph cannot hold it: NCCL wants that all ranks capture an operation, or none.
  cudaGraph_t graph = nullptr;
  cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal);
  EXPECT_EQ(emulation::poll_on(stream.get(), look, &come), cudaErrorStreamCaptureUnsupported);
  cudaStreamEndCapture(stream.get(), &graph);
  const OwnedGraph owned(graph);
}

}  // namespace
}  // namespace cw::test
