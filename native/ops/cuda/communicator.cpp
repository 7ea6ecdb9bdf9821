#include "ops/cuda/communicator.h"

#include <chrono>
#include <thread>
#include <vector>

#include "core/error.h"
#include "dist/waiting.h"

namespace cw {
namespace {

constexpr auto kNap = std::chrono::microseconds(50);
/// After an error of NCCL's, which often is the first sign of a rank that has gone: until its reason is known.
constexpr auto kReason = std::chrono::seconds(3);

std::string version_text(int version) { return version == 0 ? "no NCCL" : "NCCL " + nccl::readable(version); }

/// A word of each rank.
std::vector<int32_t> all_of(Group& group, int32_t own) {
  std::vector<int32_t> all(static_cast<size_t>(group.ranks().size));
  const std::vector<int64_t> words(all.size(), 1);
  group.all_gather(&own, words, all.data());
  return all;
}

}  // namespace

std::unique_ptr<Communicator> Communicator::join(const std::shared_ptr<Group>& group) {
  if (group->ranks().alone()) return nullptr;
  std::string why;
  const auto found = nccl::find_library(&why);
  const std::vector<int32_t> versions = all_of(*group, found ? found->version : 0);
  for (const int32_t version : versions)
    if (version == 0) return nullptr;
  for (size_t r = 1; r < versions.size(); ++r)
    if (versions[r] != versions[0])
      throw Error(Code::unsupported, "[ranks] rank 0 has " + version_text(versions[0]) + " and rank " + std::to_string(r) +
                                         " has " + version_text(versions[r]) +
                                         ": name the same one in CLIPWRIGHT_NCCL on all, or say CLIPWRIGHT_NCCL=off");
  std::unique_ptr<Communicator> joined(new Communicator(*found, group));
  joined->connect();
  return joined;
}

void Communicator::connect() {
  const Ranks ranks = group_->ranks();
  nccl::UniqueId id{};
  const nccl::Result own = ranks.rank == 0 ? found_.library.GetUniqueId(&id) : nccl::success;
  // Told to all, or they would wait for an id.
  if (const auto got = static_cast<nccl::Result>(all_of(*group_, own)[0]); got != nccl::success) fail(got, "ncclGetUniqueId");
  group_->broadcast(&id, sizeof(id) / 4);
  nccl::Config config;
  settle(found_.library.CommInitRankConfig(&comm_, static_cast<int>(ranks.size), id, static_cast<int>(ranks.rank), &config),
         "ncclCommInitRankConfig");
}

Communicator::~Communicator() {
  if (over())
    abort();
  else
    found_.library.CommDestroy(comm_);  // may end after this call: nothing is left on the stream
}

void Communicator::all_reduce(float* x, int64_t count, nccl::RedOp op, cudaStream_t stream) {
  check();
  settle(found_.library.AllReduce(x, x, static_cast<size_t>(count), nccl::float32, op, comm_, stream), "ncclAllReduce");
}

void Communicator::broadcast(float* x, int64_t count, cudaStream_t stream) {
  check();
  settle(found_.library.Broadcast(x, x, static_cast<size_t>(count), nccl::float32, 0, comm_, stream), "ncclBroadcast");
}

/// NCCL's own calls of this kind want equal parts.
template <class Body>
void Communicator::for_parts(int64_t rows, const char* call, Body&& body) {
  const Ranks ranks = group_->ranks();
  settle(found_.library.GroupStart(), "ncclGroupStart");
  nccl::Result result = nccl::success;
  for (int64_t r = 0; r < ranks.size && (result == nccl::success || result == nccl::in_progress); ++r)
    if (const RankShare share = ranks.share_of(rows, r); share.count > 0) result = body(static_cast<int>(r), share);
  const nccl::Result ended = found_.library.GroupEnd();
  settle(result == nccl::success || result == nccl::in_progress ? ended : result, call);
}

void Communicator::all_gather(const void* x, void* y, int64_t rows, int64_t row_words, cudaStream_t stream) {
  check();
  const Ranks ranks = group_->ranks();
  if (rows % ranks.size == 0)
    return settle(
        found_.library.AllGather(x, y, static_cast<size_t>(rows / ranks.size * row_words), nccl::int32, comm_, stream),
        "ncclAllGather");
  for_parts(rows, "ncclBroadcast", [&](int r, const RankShare& share) {
    auto* to = static_cast<int32_t*>(y) + share.first * row_words;
    const auto count = static_cast<size_t>(share.count * row_words);
    return found_.library.Broadcast(r == ranks.rank ? x : to, to, count, nccl::int32, r, comm_, stream);
  });
}

void Communicator::reduce_scatter(const float* x, float* y, int64_t rows, int64_t cols, cudaStream_t stream) {
  check();
  const Ranks ranks = group_->ranks();
  if (rows % ranks.size == 0)
    return settle(found_.library.ReduceScatter(x, y, static_cast<size_t>(rows / ranks.size * cols), nccl::float32, nccl::sum,
                                               comm_, stream),
                  "ncclReduceScatter");
  for_parts(rows, "ncclReduce", [&](int r, const RankShare& share) {
    const auto count = static_cast<size_t>(share.count * cols);
    return found_.library.Reduce(x + share.first * cols, y, count, nccl::float32, nccl::sum, r, comm_, stream);
  });
}

void Communicator::settle(nccl::Result result, const char* call) {
  while (result == nccl::in_progress) {
    check_ranks();
    std::this_thread::sleep_for(kNap);
    if (const nccl::Result asked = found_.library.CommGetAsyncError(comm_, &result); asked != nccl::success) result = asked;
  }
  if (result != nccl::success) fail(result, call);
}

void Communicator::fail(nccl::Result result, const char* call) {
  const char* more = comm_ ? found_.library.GetLastError(comm_) : nullptr;
  failure_ = std::string("[ranks] ") + call + " failed: " + found_.library.GetErrorString(result) +
             (more && *more ? std::string(" (") + more + ")" : "") +
             "; each rank needs a card of its own. NCCL_DEBUG=INFO says more, CLIPWRIGHT_NCCL=off goes through the host";
  abort();
  for (const auto until = std::chrono::steady_clock::now() + kReason;
       group_->ended().empty() && std::chrono::steady_clock::now() < until;)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  check_ranks();
  throw Error(Code::device, failure_);
}

void Communicator::abort() noexcept {
  if (comm_) found_.library.CommAbort(comm_);
  comm_ = nullptr;
}

void Communicator::check_ranks() {
  const std::string ended = group_->ended();
  if (ended.empty()) return;
  abort();
  throw job_ended(ended);
}

void Communicator::check() {
  check_ranks();
  if (!failure_.empty()) throw Error(Code::device, failure_);
  nccl::Result state = nccl::success;
  if (comm_ && found_.library.CommGetAsyncError(comm_, &state) == nccl::success && state != nccl::success &&
      state != nccl::in_progress)
    fail(state, "a collective of NCCL");
}

bool Communicator::over() const noexcept {
  nccl::Result state = nccl::success;
  if (!failure_.empty() || !comm_ || !group_->ended().empty()) return true;
  if (found_.library.CommGetAsyncError(comm_, &state) != nccl::success) return true;
  return state != nccl::success && state != nccl::in_progress;
}

}  // namespace cw
