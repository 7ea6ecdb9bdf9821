// Forward and backward of a batch: all at once, or in micro-batches, whose loss still sees the whole batch.
#pragma once
#include <memory>

#include "engine/batch.h"
#include "engine/distinct.h"
#include "engine/planned_runs.h"
#include "model/clip.h"

namespace cw {

class Gradients {
 public:
  explicit Gradients(const Clip& model);

  /// Throws invalid_argument when it cannot be trained on, by a rank of these.
  void demand(const Batch& batch, const Ranks& ranks) const;

  /// f32 [1,1] each: where the results are, until the next run.
  struct Results {
    Tensor loss, logit_scale;
    Tensor statistics;  // f32 [1, 3n] where they were asked for
  };
  /// The work of one batch, which must live as long; sets `results` when it runs.
  /// loss_scale: what gradients are multiplied by, or empty. accumulate: add to the gradients that are there.
  PlannedRuns::Body of(const Batch& batch, const Tensor& loss_scale, bool accumulate, Results* results) const;

 private:
  struct Job;  // a batch in the middle of its run

  void whole_batch(const Job& job) const;
  void micro_batches(const Job& job) const;
  /// Puts there what a batch brings of a tower's features; whether it does.
  static bool given(const Job& job, const float* from, const Tensor& to);
  /// On the device, if the batch has any.
  static TeacherFeatures teacher_of(const Job& job, int64_t rows);
  void loss_of(const Job& job, Tensor image, Tensor text, Tensor dimage, Tensor dtext) const;

  const Clip& model_;
  const std::unique_ptr<VisionTower::Saved> vision_saved_;
  const std::unique_ptr<TextTower::Saved> text_saved_;
};

}  // namespace cw
