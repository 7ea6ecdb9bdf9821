// Uploads on the emulated card: their pieces, their order among lists that nobody waits for, and the threads that copy.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "ops/cuda/backend.h"
#include "ops/cuda/copy_team.h"

namespace cw::test {
namespace {

constexpr int64_t kRow = 64;

/// Every row of a tensor has its own values, another for each upload.
std::vector<float> numbered(int64_t rows, int upload) {
  std::vector<float> values(static_cast<size_t>(rows * kRow));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i / static_cast<size_t>(kRow)) + 1000000.0f * static_cast<float>(upload);
  return values;
}

TEST(CudaStaging, PiecesOfSixUploadsArriveInOrderThoughNobodyWaits) {
  // Two pieces, and a third that is no whole one.
  const int64_t rows = static_cast<int64_t>(2 * CopyTeam::kPiece / (kRow * sizeof(float))) + 3;
  CudaBackend backend(0);
  const auto b = backend.allocate(static_cast<size_t>(rows * kRow) * sizeof(float));
  const Tensor all = Tensor::of(b->data(), DType::f32, rows, kRow);
  const int64_t piece = rows / 2;  // near the end of the first
  // More lists than there are halves: each of the events that keep them apart is needed for one of them to be right.
  std::vector<std::unique_ptr<Arrival>> arrivals;
  for (int upload = 0; upload < 6; ++upload) {
    auto values = numbered(rows, upload);
    backend.upload(all, values.data());
    std::fill(values.begin(), values.end(), -1.0f);
    for (const int64_t r : {int64_t{0}, piece - 1, piece + 1, rows - 1}) arrivals.push_back(backend.fetch({all.row_range(r, 1)}));
  }
  size_t next = 0;
  for (int upload = 0; upload < 6; ++upload)
    for (const int64_t r : {int64_t{0}, piece - 1, piece + 1, rows - 1}) {
      const float value = static_cast<float>(r) + 1000000.0f * static_cast<float>(upload);
      EXPECT_EQ(arrivals[next++]->wait(), std::vector<float>(kRow, value)) << "row " << r << " of upload " << upload;
    }
}

TEST(CudaStaging, ArrivalsTellHowLongTheCardWorkedOnTheirUploads) {
  CudaBackend backend(0);
  const int64_t n = 1 << 18;
  const auto b = backend.allocate(static_cast<size_t>(n) * sizeof(float));
  const Tensor x = Tensor::of(b->data(), DType::f32, 1, n), first = Tensor::of(b->data(), DType::f32, 1, 1);
  const std::vector<float> values(static_cast<size_t>(n), 1.0f);
  const auto work = [&](int times) {
    backend.upload(x, values.data());
    for (int i = 0; i < times; ++i) backend.clamp({.x = x, .low = 0, .high = 2});
    return backend.fetch({first});
  };
  const auto time_of = [](Arrival& arrival) {
    arrival.wait();
    return arrival.device_ms().value();
  };
  work(1)->wait();
  const auto little = work(1), much = work(16), nothing = backend.fetch({first});
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the emulation begins when it is waited for
  const auto begin = std::chrono::steady_clock::now();
  const double a = time_of(*little), c = time_of(*much);
  const double all = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_GT(a, 0);
  EXPECT_GT(c, a);
  EXPECT_LE(a + c, all);
  EXPECT_EQ(time_of(*nothing), 0);
}

TEST(CopyTeam, CopiesAllAndTellsOfThePiecesInOrder) {
  for (const unsigned threads : {1u, 2u, 4u}) {
    CopyTeam team(threads);
    for (const size_t bytes : {size_t{1}, CopyTeam::kPiece, 5 * CopyTeam::kPiece + 7}) {
      std::vector<std::byte> from(bytes), to(bytes);
      for (size_t i = 0; i < bytes; ++i) from[i] = static_cast<std::byte>(i * 2654435761u >> 13);
      size_t told = 0;
      team.copy(to.data(), from.data(), bytes, [&](size_t offset, size_t size) {
        EXPECT_EQ(offset, told);
        EXPECT_EQ(std::memcmp(to.data() + offset, from.data() + offset, size), 0);
        told += size;
      });
      EXPECT_EQ(told, bytes);
    }
  }
}

TEST(CopyTeam, AFailureEndsOneCopyAndNotTheNext) {
  CopyTeam team(3);
  for (int round = 0; round < 8; ++round) {
    std::vector<std::byte> from(6 * CopyTeam::kPiece, std::byte{7});
    auto to = std::make_unique<std::byte[]>(from.size());
    EXPECT_THROW(team.copy(to.get(), from.data(), from.size(), [](size_t, size_t) { throw std::runtime_error("lost"); }),
                 std::runtime_error);
    to.reset();  // nobody writes to it any more
    std::vector<std::byte> again(from.size());
    team.copy(again.data(), from.data(), from.size(), [](size_t, size_t) {});
    EXPECT_TRUE(again == from);
  }
}

}  // namespace
}  // namespace cw::test
