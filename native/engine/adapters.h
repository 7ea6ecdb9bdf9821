// Low-rank adapters: products read W + scale·B·A where a matrix of parameters W has one, and W stays as it was. r rank,
// [O,I] the shape of W. Source: Hu et al., "LoRA: low-rank adaptation of large language models" (2021).
#pragma once
#include <deque>
#include <memory>
#include <vector>

#include "engine/planned_runs.h"
#include "nn/parameter.h"

namespace cw {

/// Whose matrices get adapters, and how they begin: B as zeros, so that nothing changes yet.
struct AdapterSpec {
  std::vector<size_t> parameters;
  int64_t rank = 0;
  float scale = 1;
  uint64_t seed = 0;
};

/// The sum is made anew from f32 values whenever W, A or B have changed, in the type that products read, so that adding it to
/// W for good changes no bit of what the model computes.
class Adapters {
 public:
  Adapters(Backend& backend, Parameters& parameters, DType type)
      : backend_(backend), parameters_(parameters), type_(type) {}

  explicit operator bool() const { return !entries_.empty(); }
  bool adapts(size_t parameter) const { return parameters_[parameter].adapted(); }

  /// Adds NAME.lora_A [r,I] and NAME.lora_B [O,r] behind all parameters. Throws invalid_argument, out_of_memory.
  void add(const AdapterSpec& spec);
  /// Adds what the adapters say to W for good and ends them; their parameters are gone.
  void fold(PlannedRuns& runs);

  size_t bytes() const { return (values_ ? values_->bytes() : 0) + (sums_ ? sums_->bytes() : 0); }

  /// To be called when a value was written or updated.
  void outdate() { fresh_ = false; }
  /// Queues what makes products read the sums as they are now, unless they do.
  void refresh(PlannedRuns::Run& run);
  /// y f32 [O,I] = W + scale·B·A of an adapted parameter.
  void sum(const Context& c, size_t parameter, Tensor y) const;

 private:
  struct Entry {
    Parameter* base;
    Adapter adapter;
    Weight a;  // as the product B·A reads it
  };
  void add(size_t parameter, const AdapterSpec& spec);
  void give_sums_memory();
  void sum(const Context& c, const Entry& entry, Tensor y) const;

  Backend& backend_;
  Parameters& parameters_;
  const DType type_;
  size_t before_ = 0;                // parameters that are the model's own
  std::unique_ptr<Buffer> values_;   // of A, B and the scale
  std::unique_ptr<Buffer> sums_;     // f32 only: in 16 bits the compute copies have them
  std::deque<Entry> entries_;
  std::vector<Parameter*> beside_;   // f32 only: parts of a joined weight that have no adapter
  bool fresh_ = false;
};

}  // namespace cw
