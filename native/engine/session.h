// One model on one device: its memory, its steps. Everything here runs on the engine thread that made it.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/batch.h"
#include "engine/inputs.h"
#include "engine/planned_runs.h"
#include "model/clip.h"
#include "optim/optimizer.h"

namespace cw {

/// Elements first .. first+count of a parameter (count < 0: to its end): other libraries split what is one here.
struct ElementSpan {
  int64_t first = 0, count = -1;
};

class Session {
 public:
  struct Options {
    ClipConfig model;
    std::string device = "cpu";
    DType precision = DType::f32;  // f32, bf16 or f16
    int threads = 0;               // 0: as many as the machine has
  };
  /// Parameters begin as zeros: initialize or write them. `stop` cancels what runs, within one op.
  Session(const Options& options, const std::atomic<bool>* stop);
  ~Session();

  const Parameters& parameters() const { return parameters_; }
  std::string device() const { return backend_->name(); }
  bool fast_precision() const { return backend_->fast(type_); }

  /// open_clip's initial distributions, drawn by (seed, parameter, element).
  void initialize(uint64_t seed);

  enum class Slot : uint8_t { value, grad, m, v };
  /// f32 values in the checkpoint's order. m and v belong to an optimizer. Gradients are those of the loss itself.
  void read(size_t parameter, Slot slot, int optimizer, float* to, ElementSpan span = {});
  void write(size_t parameter, Slot slot, int optimizer, const float* from, ElementSpan span = {});
  void set_trainable(size_t parameter, bool trainable);

  /// features f32 [count, embed_dim] to host memory.
  void encode_images(const HostImages& images, bool normalize, float* features);
  void encode_texts(const HostTokens& tokens, bool normalize, float* features);
  /// The loss of given features [n, embed_dim] at the current logit scale.
  float feature_loss(const float* image, const float* text, int64_t n, Reduction reduction);

  struct Loss {
    float loss = 0, logit_scale = 0;  // logit_scale: exp of the parameter, as the batch saw it
  };
  /// Gradients add up until an optimizer's step. Throws out_of_memory naming the bytes when the plan does not fit.
  Loss forward_backward(const Batch& batch);
  void zero_grad() { accumulate_ = false; }

  /// What f16 multiplies its loss by, so that small gradients are not lost, and how many steps in a row were finite.
  /// Steps alone move it (UpdateLossScale); it begins as torch.amp.GradScaler's does.
  struct LossScaling {
    float value = 65536, good_steps = 0;
  };
  /// Nothing in other precisions.
  std::optional<LossScaling> loss_scaling();
  /// To go on from a saved state. Throws invalid_argument in other precisions, for a value below 1 or above 2^24, and
  /// while gradients wait for their step: they have the scale that they were made with.
  void set_loss_scaling(LossScaling scaling);

  int create_optimizer(OptimizerSpec spec);
  Optimizer& optimizer(int handle);
  Optimizer::Result optimizer_step(int handle, Optimizer::Step step);

  struct Step {
    Loss loss;
    Optimizer::Result optimizer;
  };
  /// Waits for the results of a step. To be called once, on the session's thread, while it lives.
  using Results = std::function<Step()>;
  /// What training uses: forward, backward and update queued as one piece of work. Where the device works beside the host,
  /// the next step can be queued before this one's results are in.
  Results queue_step(const Batch& batch, int optimizer, Optimizer::Step options);
  Step step(const Batch& batch, int optimizer, Optimizer::Step options) { return queue_step(batch, optimizer, options)(); }
  bool concurrent() const { return backend_->concurrent(); }

  struct Plan {
    size_t parameters = 0, optimizer = 0, step = 0;
    size_t total() const { return parameters + optimizer + step; }
  };
  /// Bytes that a step of this shape needs, captions of `tokens` each.
  Plan plan(int64_t batch, int64_t tokens, int64_t micro_batch, bool checkpointing);

 private:
  using Run = PlannedRuns::Run;
  /// loss and logit_scale f32 [1,1]: where the results will be, until the next run.
  PlannedRuns::Body training_body(const Batch& batch, Tensor* loss, Tensor* logit_scale);
  void demand(const Batch& batch) const;  // throws invalid_argument

  void whole_batch(Run& r, const Batch& batch, const Tensor& loss);
  void micro_batches(Run& r, const Batch& batch, const Tensor& loss);
  void loss_of(Run& r, const Batch& batch, Tensor image, Tensor text, Tensor loss, Tensor dimage, Tensor dtext);
  Tensor loss_scale() const;  // f32 [1, LossScale::count] on the device; empty unless precision is f16
  void refresh(Parameter& p);
  Tensor slot(size_t parameter, Slot slot, int optimizer);

  std::unique_ptr<Backend> backend_;
  DType type_;
  Parameters parameters_;
  Clip model_;
  std::unique_ptr<Buffer> values_, grads_, compute_, loss_scale_;
  PlannedRuns runs_;
  std::vector<std::unique_ptr<Optimizer>> optimizers_;
  VisionTower::Saved vision_saved_;
  std::unique_ptr<TextTower::Saved> text_saved_;
  bool accumulate_ = false;  // gradients hold something
};

}  // namespace cw
