// CudaBackend: memory, uploads and downloads of one card, and the list of commands that its calls make. Kernel files hold
// the bodies of execute() and scratch(); how to write one is said in launch.h.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/arena.h"
#include "ops/backend.h"
#include "ops/cuda/arrivals.h"
#include "ops/cuda/commands.h"
#include "ops/cuda/profile.h"
#include "ops/cuda/runtime.h"
#include "ops/cuda/staging.h"
#include "ops/cuda/waiter.h"

namespace cw {

inline constexpr int kLeastMajor = 8;  // compute capability

class Communicator;  // NCCL (communicator.h)
class Products;  // cuBLASLt and its heuristics (products.h), kept out of files that do no products

class CudaBackend final : public Backend {
 public:
  /// Throws no_cuda when there is no such card.
  explicit CudaBackend(int index);
  /// Waits a bounded time for the card; a lost one is left alone.
  ~CudaBackend() override;

  std::string name() const override { return "cuda:" + std::to_string(index_); }
  bool computes(DType type) const override { return type == DType::f32 || type == DType::bf16 || type == DType::f16; }
  bool fast(DType type) const override { return computes(type); }
  std::unique_ptr<Buffer> allocate(size_t bytes) override;
  size_t available_bytes() const override;
  void upload(const Tensor& to, const void* from) override;
  void download(void* to, const Tensor& from) override;
  std::unique_ptr<Arrival> fetch(const std::vector<Tensor>& from) override;
  void flush() override;
  void synchronize() override;
  bool concurrent() const override { return true; }
  bool remakes_hidden() const override { return false; }  // a pass of its own here, and passes are what memory's rate bounds
  void set_group(std::shared_ptr<Group> group) override;
  std::string way_between_ranks() const override;
  void profile(bool on) override {
    Backend::profile(on);
    profile_.turn(on);
  }
  std::vector<OpTime> op_times() override;
  void set_stop(const std::atomic<bool>* stop) override {
    Backend::set_stop(stop);
    waiter_.set_stop(stop);
  }
  void set_scratch(void* data, size_t bytes) override;

  // Ops that are not listed need no scratch.
  using Backend::scratch;
  size_t scratch(const Linear& op) const override;
  size_t scratch(const LinearInputGrad& op) const override;
  size_t scratch(const LinearWeightGrad& op) const override;
  size_t scratch(const LayerNormGrad& op) const override;
  size_t scratch(const LayerScaleGrad& op) const override;
  size_t scratch(const EmbedGrad& op) const override;
  size_t scratch(const VisionTokensGrad& op) const override;
  size_t scratch(const Attention& op) const override;
  size_t scratch(const AttentionGrad& op) const override;
  size_t scratch(const InfoNce& op) const override;
  size_t scratch(const InfoNceGrad& op) const override;
  size_t scratch(const DistillGrad& op) const override;
  size_t scratch(const MergeLse& op) const override;
  size_t scratch(const SigmoidLoss& op) const override;
  size_t scratch(const SigmoidLossGrad& op) const override;
  size_t scratch(const GradNorm& op) const override;
  size_t scratch(const OptimizerStep& op) const override;

  /// Lists that were sent as one graph, since the beginning.
  int64_t graph_launches() const { return commands_.graph_launches(); }

 private:
  friend class CudaBuffer;
  friend class CudaArrival;

  // Calls only queue; execute() puts the kernels on the stream when the list is sent.
#define CW_DECLARE(name, Struct)                        \
  void run(const Struct& op) override { queue(op); }    \
  void execute(const Struct& op);
  CW_FOR_EACH_OP(CW_DECLARE)
#undef CW_DECLARE

  // ---- for execute() and scratch()
  cudaStream_t stream() const { return stream_.get(); }
  /// The block that scratch() asked for, from its start.
  Arena scratch_arena() const { return Arena(scratch_data_, scratch_bytes_); }
  int multiprocessors() const { return multiprocessors_; }
  /// Bytes of shared memory that a block may ask for.
  size_t shared_memory() const { return shared_memory_; }
  /// The table of segments in device memory; only of an op that execute() was given.
  const Segment* on_device(const Segments& segments) const;

  // ---- ranks.cpp
  template <class Op>
  void between_ranks(const Op& op, const char* name);
  void through_host(const AllGather& op);
  void through_host(const ReduceScatter& op);
  void through_host(const AllReduce& op);
  void through_host(const MergeLse& op);
  void through_host(const Broadcast& op);
  template <class Body>
  void for_values(const Tensor& x, Body&& body);

  // ---- the list
  struct SegmentTable;
  template <class Op>
  struct Kept;
  template <class Op>
  void queue(const Op& op);
  std::shared_ptr<SegmentTable> keep(const Segments& segments);
  void send();
  /// Selects the card; throws once an error has closed it.
  void enter() const;
  /// Runs body; an error of the device closes the backend.
  template <class Body>
  void guarded(Body&& body);
  /// Gives memory back to the card that was freed and is still kept for this stream's order. Waits.
  void reclaim() const;
  void free_memory(void* data) noexcept;
  void upload_piece(const Tensor& to, const void* from);

  int index_;
  int multiprocessors_ = 0;
  size_t shared_memory_ = 0;
  cudaMemPool_t pool_ = nullptr;  // where the card has stream-ordered allocation
  std::string broken_;  // why, once an error has closed this backend
  Waiter waiter_;
  OwnedStream stream_;
  std::unique_ptr<Staging> staging_;
  PinnedMemory landing_;  // downloads on their way
  Arrivals arrivals_;
  Profile profile_{waiter_};
  Commands commands_;
  std::vector<std::shared_ptr<SegmentTable>> tables_;
  void* scratch_data_ = nullptr;
  size_t scratch_bytes_ = 0;
  std::unique_ptr<Products> products_;
  std::unique_ptr<Communicator> communicator_;  // of several ranks, where there is NCCL
};

}  // namespace cw
