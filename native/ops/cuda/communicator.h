// The ranks' cards, as NCCL connects them: collectives that are put on a stream and wait for nobody on the host.
#pragma once
#include <memory>
#include <string>

#include "dist/group.h"
#include "ops/cuda/nccl_search.h"
#include "ops/cuda/runtime.h"

namespace cw {

/// Counts are of words of four bytes. All ranks make the same calls in the same order. A call returns when its work is on the
/// stream; where another rank has ended or the network failed, check() says so, and the stream goes on without a result.
class Communicator {
 public:
  /// The current card with those of the group's other ranks. Null where a rank has no NCCL, or all want to do without. Throws
  /// unsupported where CLIPWRIGHT_NCCL names no NCCL or ranks have different versions, device where NCCL does not connect them.
  static std::unique_ptr<Communicator> join(const std::shared_ptr<Group>& group);
  ~Communicator();
  Communicator(const Communicator&) = delete;

  /// "NCCL 2.27.3"
  std::string name() const { return "NCCL " + nccl::readable(found_.version); }

  void all_reduce(float* x, int64_t count, nccl::RedOp op, cudaStream_t stream);
  /// y of x, this rank's share of `rows`.
  void all_gather(const void* x, void* y, int64_t rows, int64_t row_words, cudaStream_t stream);
  void reduce_scatter(const float* x, float* y, int64_t rows, int64_t cols, cudaStream_t stream);
  void broadcast(float* x, int64_t count, cudaStream_t stream);

  /// Throws rank once another rank has ended, device once NCCL has failed; then nothing on the stream waits for others any more.
  void check();
  /// Whether it would.
  bool over() const noexcept;
  /// Ends what waits on the stream; nothing can be called any more.
  void abort() noexcept;

 private:
  Communicator(nccl::Found found, std::shared_ptr<Group> group) : found_(found), group_(std::move(group)) {}
  void connect();
  /// Throws rank once another rank has ended.
  void check_ranks();
  /// Waits until a call that does not block has done its part.
  void settle(nccl::Result result, const char* call);
  [[noreturn]] void fail(nccl::Result result, const char* call);
  /// One call for each rank's part, as one.
  template <class Body>
  void for_parts(int64_t rows, const char* call, Body&& body);

  const nccl::Found found_;
  const std::shared_ptr<Group> group_;
  nccl::Comm comm_ = nullptr;
  std::string failure_;
};

}  // namespace cw
