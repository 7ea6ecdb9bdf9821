// Stands in for NCCL between processes on the emulated card: values go through files of a folder, whose name is the unique id.
// Work is put on the emulation's streams, where it waits for the other ranks without blocking anybody, as on a card.
// CLIPWRIGHT_FAKE_NCCL makes it fail: "init" while ranks connect, "later" after some collectives.
// CLIPWRIGHT_FAKE_NCCL_VERSION: its version; CLIPWRIGHT_FAKE_NCCL_FOLDER: where the folder lies.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ops/cuda/emulation/poll.h"
#include "ops/cuda/nccl/nccl.h"

namespace cw::nccl {

struct CommOpaque {
  std::string folder;
  int rank = 0, size = 1;
  long next = 0;  // number of the next collective
  bool aborted = false;
  Result failure = success;

  std::string file(const std::string& what, int r) const { return folder + "/" + what + "." + std::to_string(r); }
  void publish(const std::string& what, const void* bytes, size_t count) const {
    const std::string to = file(what, rank), aside = to + ".aside";
    FILE* f = std::fopen(aside.c_str(), "wb");
    if (count > 0) std::fwrite(bytes, 1, count, f);
    std::fclose(f);
    std::rename(aside.c_str(), to.c_str());
  }
  bool all_have(const std::string& what) const {
    for (int r = 0; r < size; ++r)
      if (access(file(what, r).c_str(), F_OK) != 0) return false;
    return true;
  }
  std::vector<std::byte> of(const std::string& what, int r) const {
    std::vector<std::byte> bytes;
    FILE* f = std::fopen(file(what, r).c_str(), "rb");
    struct stat s {};
    fstat(fileno(f), &s);
    bytes.resize(static_cast<size_t>(s.st_size));
    if (!bytes.empty() && std::fread(bytes.data(), 1, bytes.size(), f) != bytes.size()) bytes.clear();
    std::fclose(f);
    return bytes;
  }
};

namespace {

emulation::PollOn poll_on = nullptr;
constexpr long kGood = 7;  // collectives before "later"

bool told(std::string_view what) {
  const char* value = std::getenv("CLIPWRIGHT_FAKE_NCCL");
  return value && what == value;
}

struct Call {
  Comm comm;
  long number;
  const void* from;
  size_t sent;  // bytes of this rank's
  /// What all ranks have sent, in their order.
  std::function<void(const std::vector<std::vector<std::byte>>&)> take;
  bool published = false;
};

bool done(void* data) {
  auto* call = static_cast<Call*>(data);
  CommOpaque& comm = *call->comm;
  const std::string name = std::to_string(call->number);
  if (comm.aborted) {
    delete call;
    return true;
  }
  if (comm.failure != success) return false;  // a kernel goes on waiting until it is aborted
  if (!call->published) comm.publish(name, call->from, call->sent);
  call->published = true;
  if (!comm.all_have(name)) return false;
  std::vector<std::vector<std::byte>> all;
  for (int r = 0; r < comm.size; ++r) all.push_back(comm.of(name, r));
  call->take(all);
  // Whoever has sent this one has read the one before.
  if (call->number > 0) std::remove(comm.file(std::to_string(call->number - 1), comm.rank).c_str());
  delete call;
  return true;
}

Result put(Comm comm, cudaStream_t stream, const void* from, size_t sent,
           std::function<void(const std::vector<std::vector<std::byte>>&)> take) {
  if (comm->aborted) return invalid_usage;
  if (told("later") && comm->next == kGood) comm->failure = remote_error;
  auto call = std::make_unique<Call>(Call{comm, comm->next++, from, sent, std::move(take)});
  if (poll_on(stream, done, call.get()) != cudaSuccess) return unhandled_cuda_error;
  call.release();  // NOLINT: done() deletes it
  return success;
}

/// to = the sum or the largest of all ranks' floats first .. first+count.
auto reduced(void* to, size_t first, size_t count, RedOp op) {
  return [=](const std::vector<std::vector<std::byte>>& all) {
    auto* y = static_cast<float*>(to);
    for (size_t i = 0; i < count; ++i) {
      const auto x = [&](size_t r) { return reinterpret_cast<const float*>(all[r].data())[first + i]; };
      float value = x(0);
      for (size_t r = 1; r < all.size(); ++r) value = op == sum ? value + x(r) : std::max(value, x(r));
      y[i] = value;
    }
  };
}

}  // namespace
}  // namespace cw::nccl

using namespace cw::nccl;

#pragma GCC visibility push(default)
extern "C" {

void clipwright_take_poll_on(cw::emulation::PollOn given) { poll_on = given; }

Result ncclGetVersion(int* version) {
  const char* told = std::getenv("CLIPWRIGHT_FAKE_NCCL_VERSION");
  *version = told ? std::atoi(told) : 22703;
  return success;
}

Result ncclGetUniqueId(UniqueId* id) {
  const char* where = std::getenv("CLIPWRIGHT_FAKE_NCCL_FOLDER");
  std::snprintf(id->bytes, sizeof(id->bytes), "%s/nccl-XXXXXX", where ? where : "/tmp");
  return mkdtemp(id->bytes) ? success : system_error;
}

Result ncclCommInitRankConfig(Comm* comm, int ranks, UniqueId id, int rank, Config* config) {
  if (config->magic != 0xcafebeef || config->blocking != 0) return invalid_argument;
  *comm = new CommOpaque{.folder = id.bytes, .rank = rank, .size = ranks};
  if (told("init")) (*comm)->failure = system_error;
  (*comm)->publish("hello", nullptr, 0);
  return in_progress;
}

Result ncclCommGetAsyncError(Comm comm, Result* state) {
  *state = comm->failure != success ? comm->failure : comm->all_have("hello") ? success : in_progress;
  return success;
}

Result ncclCommAbort(Comm comm) {
  comm->aborted = true;  // what is still on a stream knows it
  return success;
}

Result ncclCommDestroy(Comm comm) { return ncclCommAbort(comm); }

const char* ncclGetErrorString(Result result) {
  if (result == system_error) return "unhandled system error";
  return result == remote_error ? "remote process exited or there was a network error" : "invalid usage";
}

const char* ncclGetLastError(Comm) { return "as the test wants it"; }

Result ncclGroupStart() { return success; }
Result ncclGroupEnd() { return success; }

Result ncclAllReduce(const void* from, void* to, size_t count, DataType, RedOp op, Comm comm, cudaStream_t stream) {
  return put(comm, stream, from, count * 4, reduced(to, 0, count, op));
}

Result ncclReduceScatter(const void* from, void* to, size_t count, DataType, RedOp op, Comm comm, cudaStream_t stream) {
  const auto rank = static_cast<size_t>(comm->rank), size = static_cast<size_t>(comm->size);
  return put(comm, stream, from, size * count * 4, reduced(to, rank * count, count, op));
}

Result ncclReduce(const void* from, void* to, size_t count, DataType, RedOp op, int root, Comm comm, cudaStream_t stream) {
  return put(comm, stream, from, count * 4, [=](const auto& all) {
    if (root == comm->rank) reduced(to, 0, count, op)(all);
  });
}

Result ncclAllGather(const void* from, void* to, size_t count, DataType, Comm comm, cudaStream_t stream) {
  return put(comm, stream, from, count * 4, [=](const auto& all) {
    for (size_t r = 0; r < all.size(); ++r) std::memcpy(static_cast<std::byte*>(to) + r * count * 4, all[r].data(), count * 4);
  });
}

Result ncclBroadcast(const void* from, void* to, size_t count, DataType, int root, Comm comm, cudaStream_t stream) {
  return put(comm, stream, from, root == comm->rank ? count * 4 : 0,
             [=](const auto& all) { std::memcpy(to, all[static_cast<size_t>(root)].data(), count * 4); });
}

}  // extern "C"
#pragma GCC visibility pop
