// An optimizer over a model's parameters: its moments, its groups, its step count.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "nn/context.h"
#include "nn/learned.h"
#include "ops/backend.h"

namespace cw {

struct OptimizerSpec {
  Rule rule = Rule::adamw;
  float beta1 = 0.9f, beta2 = 0.98f, eps = 1e-6f, momentum = 0;
  std::vector<float> lr_scale, weight_decay;  // one entry for each parameter
  float average = 0;  // decay of moving averages of the values, 0: none are kept
};

class Optimizer {
 public:
  /// Allocates the moments of what learns, zeroed. Throws out_of_memory, invalid_argument.
  Optimizer(Backend& backend, const Parameters& parameters, OptimizerSpec spec);

  struct Step {
    float lr = 0;
    float max_grad_norm = 0;  // 0: no clipping
    float max_loss = 0;       // of a batch that is learned from; 0: any
  };
  struct Result {
    float grad_norm = 0;
    bool skipped = false;  // the norm was not finite, or the loss above max_loss: nothing changed
    float loss_scale = 0;  // of the next step; 0 without one
  };
  /// Queues the update of the trainable parameters from their gradients, and logit_scale's clamp to [0, ln 100].
  /// loss_scale: what gradients were multiplied by, or empty; loss: the batch's, or empty. Without `backend` a dry run, over a planner.
  void queue(Ops& ops, Backend* backend, Parameters& parameters, const Parameter& logit_scale, Step step,
             const Tensor& loss_scale, const Tensor& loss = {});
  /// Where the results of the last queued step are, until the next one.
  std::vector<Tensor> results(const Tensor& loss_scale) const;
  /// What these values say.
  static Result result(std::span<const float> values);

  /// Moments of one parameter ('m' or 'v' of the rule); empty where the rule has none, and of what never learned.
  Tensor moment_1(const Parameters& parameters, size_t i) const { return m_.of(parameters, i); }
  Tensor moment_2(const Parameters& parameters, size_t i) const { return v_.of(parameters, i); }
  /// The moving average of a parameter's values, which begins with them; empty where none is kept.
  Tensor average(const Parameters& parameters, size_t i) const { return averages_.of(parameters, i); }
  /// Exchanges values and averages, in compute copies, too. No step is made until they are exchanged back.
  void exchange(const Context& c, Backend* backend, Parameters& parameters);
  /// Makes sure that a parameter has the rule's moments, whether it learns or not.
  void take(const Parameters& parameters, std::optional<size_t> i = {});

  /// Steps that were not skipped; on the device, like all that the next step depends on.
  int64_t steps();
  void set_steps(int64_t steps);
  /// To be called when a parameter was frozen or freed.
  void rebuild() { segments_.clear(); }
  /// To be called when parameters came or went: no step can follow.
  void end() { ended_ = true; }

 private:
  void build(const Parameters& parameters);
  void move_averages(Ops& ops);
  Tensor control() const;

  Backend& backend_;
  OptimizerSpec spec_;
  Learned m_, v_, averages_;
  std::unique_ptr<Buffer> control_;
  std::unique_ptr<Buffer> average_control_;
  std::vector<Segment> segments_, average_segments_;
  bool exchanged_ = false, ended_ = false;
  uint64_t segments_version_ = 0;
};

}  // namespace cw
