// One model on one device: its parts put together, and its steps. Everything here runs on the engine thread that made it.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapters.h"
#include "engine/encoding.h"
#include "engine/gradients.h"
#include "engine/held_values.h"
#include "engine/loss_scaling.h"
#include "engine/parameter_values.h"
#include "engine/planned_runs.h"
#include "engine/stored_floats.h"
#include "model/clip.h"
#include "optim/optimizer.h"

namespace cw {

class Session {
 public:
  struct Options {
    ClipConfig model;
    std::string device = "cpu";
    DType precision = DType::f32;  // f32, bf16 or f16
    int threads = 0;               // 0: as many as the machine has
    bool trainable = true;         // false: it only encodes, and holds one form of each weight
    bool rounded = false;          // of a model that only encodes, in f32: products read weights of 8 bits
  };
  /// Parameters begin as zeros: initialize or write them. `stop` cancels what runs, within one op.
  Session(const Options& options, const std::atomic<bool>* stop);
  ~Session();

  const Parameters& parameters() const { return parameters_; }
  std::string device() const { return backend_->name(); }
  bool fast_precision() const { return backend_->fast(type_); }

  /// open_clip's initial distributions, drawn by (seed, parameter, element).
  void initialize(uint64_t seed) { held_ ? held_->initialize(seed) : values_->initialize(seed); }
  /// Whether products read this parameter's values rounded to 8 bits.
  bool is_rounded(size_t parameter) const { return held_ && held_->is_rounded(parameter); }
  /// Whether they are to, from when they are next written.
  void set_rounded(size_t parameter, bool rounded) {
    if (held_) held_->set_rounded(parameter, rounded);
  }
  /// Gradients are those of the loss itself. Throws invalid_argument.
  void read(const ParameterSlot& from, float* to);
  void write(const ParameterSlot& to, const float* from);
  /// The same from an open file, which nobody closes meanwhile, to where the values will be. What of it could not be read, if so:
  /// then some of the values are written.
  std::optional<ReadFailure> write(const ParameterSlot& to, const StoredFloats& from);
  void set_trainable(size_t parameter, bool trainable);

  /// From then on steps are made together with the group's other ranks, each with its share of the batch (Batch::total):
  /// gradients are added up over all of them before an optimizer sees them. All ranks take rank 0's values now.
  void join(std::shared_ptr<Group> group);

  /// From then on the adapters alone learn. Gradients are cleared, and optimizers made before are of no use any more.
  void add_adapters(const AdapterSpec& spec);
  /// What they learned becomes part of the weights, all of which learn again.
  void merge_adapters();

  /// features f32 [count, embed_dim] to host memory.
  void encode_images(const HostImages& images, bool normalize, float* to) {
    make_ready();
    encoder_.images(images, normalize, to);
  }
  void encode_texts(const HostTokens& tokens, bool normalize, float* to) {
    make_ready();
    encoder_.texts(tokens, normalize, to);
  }
  /// The loss of given features [n, embed_dim] at the current temperature.
  float feature_loss(const float* image, const float* text, int64_t n, const PairLoss& loss) {
    return encoder_.loss(image, text, n, loss);
  }

  // What follows is training: unsupported for a model that only encodes.

  struct Loss {
    float loss = 0, logit_scale = 0;  // logit_scale: exp of the parameter, as the batch saw it
  };
  /// Gradients add up until an optimizer's step. Throws out_of_memory naming the bytes when the plan does not fit.
  Loss forward_backward(const Batch& batch);
  void zero_grad() { values().set_gradients_wait(false); }

  /// Nothing in other precisions than f16.
  std::optional<LossScaling> loss_scaling() const { return scaler_.read(); }
  /// To go on from a saved state. Throws invalid_argument in other precisions, for a value below 1 or above 2^24, and
  /// while gradients wait for their step: they have the scale that they were made with.
  void set_loss_scaling(LossScaling scaling);

  int create_optimizer(OptimizerSpec spec);
  Optimizer& optimizer(int handle);
  Optimizer::Result optimizer_step(int handle, Optimizer::Step step);
  /// Exchanges the values with the optimizer's averages, which takes them back when called again.
  void exchange_averages(int handle);

  struct Step {
    Loss loss;
    Optimizer::Result optimizer;
    std::optional<double> device_ms;  // Arrival::device_ms
    int64_t micro_batch = 0;          // what it had to be halved to for want of memory; 0: nothing
    std::vector<float> statistics;    // of each pair, where the batch asked for them
  };
  /// The results of a step, still to come. For the session's thread, while it lives.
  class Results {
   public:
    Results() = default;
    /// statistics: how many values there are of them.
    Results(std::unique_ptr<Arrival> arrival, int64_t micro_batch, size_t statistics)
        : arrival_(std::move(arrival)), micro_batch_(micro_batch), statistics_(statistics) {}
    explicit operator bool() const { return arrival_ != nullptr; }
    bool ready() const { return arrival_->ready(); }
    /// Waits for them; to be called once.
    Step operator()();

   private:
    std::shared_ptr<Arrival> arrival_;
    int64_t micro_batch_ = 0;
    size_t statistics_ = 0;
  };
  /// What training uses: forward, backward and update queued as one piece of work. Where the device works beside the host,
  /// the next step can be queued before this one's results are in. Throws out_of_memory, before anything has changed, when not
  /// even Batch::may_halve makes it fit; ranks halve together.
  Results queue_step(const Batch& batch, int optimizer, Optimizer::Step options);
  Step step(const Batch& batch, int optimizer, Optimizer::Step options) { return queue_step(batch, optimizer, options)(); }
  bool concurrent() const { return backend_->concurrent(); }

  /// Backend::profile() and op_times().
  void profile(bool on) { backend_->profile(on); }
  std::vector<OpTime> op_times() { return backend_->op_times(); }
  /// Backend::traffic().
  TrafficByKind traffic() const { return backend_->traffic(); }

  /// A step's shape, captions of `tokens` each.
  struct Shape {
    int64_t batch = 1, tokens = 1, micro_batch = 0;
    bool checkpointing = false;
    int64_t teacher_dim = 0;  // of a teacher's features; 0: there is none
  };
  struct Plan {
    size_t parameters = 0, optimizer = 0, step = 0;
    size_t gradients = 0;  // those of parameters, which has them
    size_t available = 0;  // bytes that are free on the device now, besides what this session has taken already
    size_t total() const { return parameters + optimizer + step; }
  };
  /// Bytes that a step of this shape and loss needs; of a model that only encodes, those of its weights and of encoding so many
  /// pairs. Takes no memory for any of it.
  Plan plan(const Shape& shape, const PairLoss& loss);

 private:
  Plan plan_step(const Batch& batch);
  /// Of models that learn. Throws unsupported.
  ParameterValues& values();
  void refresh_adapters();
  void add_up_gradients(Ops& ops);
  /// Whether it is so on any rank. All of them ask.
  bool on_any_rank(bool mine);
  /// Before the model encodes.
  void make_ready();
  Optimizer* named_by(const ParameterSlot& slot) { return slot.optimizer ? &optimizer(*slot.optimizer) : nullptr; }

  std::unique_ptr<Backend> backend_;
  std::shared_ptr<Group> group_ = solo_group();
  DType type_;
  Parameters parameters_;
  Clip model_;
  PlannedRuns runs_;
  LossScaler scaler_;
  std::optional<ParameterValues> values_;  // either these ...
  Adapters adapters_;
  Encoder encoder_;
  std::optional<HeldValues> held_;  // ... or these
  Gradients gradients_;
  std::vector<std::unique_ptr<Optimizer>> optimizers_;
};

}  // namespace cw
