#include "engine/gradients.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "engine/inputs.h"

namespace cw {
namespace {

/// Of a batch whose loss multiplies features in f32 whatever the precision: up to here that is under a fiftieth of a step.
constexpr int64_t kExactPairs = 16384;

/// On the device; empty without.
Tensor groups_of(PlannedRuns::Run& r, const Batch& batch) {
  if (!batch.groups) return {};
  const Tensor groups = r.context.arena.take(1, std::max(batch.images.count, batch.total), DType::i32);
  if (r.backend) r.backend->upload(groups, batch.groups);
  return groups;
}

}  // namespace

struct Gradients::Job {
  PlannedRuns::Run& run;
  const Batch& batch;
  Tensor loss, loss_scale, groups, statistics;
};

Gradients::Gradients(const Clip& model)
    : model_(model), vision_saved_(model.vision->make_saved()), text_saved_(model.text->make_saved()) {}

void Gradients::demand(const Batch& batch, const Ranks& ranks) const {
  if (batch.images.count < 1 || batch.images.count != batch.tokens.count)
    throw Error(Code::invalid_argument, "[batch] expected as many captions as images and at least one, got " +
                                            std::to_string(batch.images.count) + " images and " +
                                            std::to_string(batch.tokens.count) + " captions");
  if (!batch.loss) throw Error(Code::invalid_argument, "[batch] has no loss");
  if (batch.total > 0 && batch.images.count != ranks.share(batch.total).count)
    throw Error(Code::invalid_argument, "[batch] expected this rank's share of " + std::to_string(batch.total) + " pairs, " +
                                            std::to_string(ranks.share(batch.total).count) + ", got " +
                                            std::to_string(batch.images.count));
  validate(batch.images, model_.config.vision);
  validate(batch.tokens, model_.config.text);
}

PlannedRuns::Body Gradients::of(const Batch& batch, const Tensor& loss_scale, bool accumulate, Results* results) const {
  return [this, &batch, loss_scale, accumulate, results](PlannedRuns::Run& r) {
    r.context.accumulate = accumulate;
    r.context.checkpointing = batch.checkpointing;
    results->loss = r.context.take_f32(1, 1);
    results->logit_scale = r.context.take_f32(1, 1);
    // Before a step changes it.
    r.context.ops.cast({.x = model_.logit_scale.weight.master, .y = results->logit_scale});
    if (batch.statistics)
      results->statistics = r.context.take_f32(1, static_cast<int64_t>(PairStatistics::count) * batch.images.count);
    const Job job{r, batch, results->loss, loss_scale, groups_of(r, batch), results->statistics};
    if (batch.micro_batch > 0 && batch.micro_batch < batch.images.count)
      micro_batches(job);
    else
      whole_batch(job);
  };
}

TeacherFeatures Gradients::teacher_of(const Job& job, int64_t rows) {
  const HostTeacher& given = job.batch.teacher;
  if (given.dim == 0) return {};
  const Context& c = job.run.context;
  const TeacherFeatures teacher{c.take_f32(rows, given.dim), c.take_f32(rows, given.dim), c.take_f32(1, 1)};
  if (Backend* const backend = job.run.backend) {
    backend->upload(teacher.image, given.image);
    backend->upload(teacher.text, given.text);
    backend->upload(teacher.logit_scale, &given.logit_scale);
  }
  return teacher;
}

void Gradients::loss_of(const Job& job, Tensor image, Tensor text, Tensor dimage, Tensor dtext) const {
  const Context& c = job.run.context;
  const Frame frame(c.arena);
  // A frozen temperature or bias still takes part; its gradient goes nowhere.
  const auto grad_of = [&](const Parameter& p) { return p.trainable ? p.grad : c.take_f32(1, 1); };
  const Parameter& scale = model_.logit_scale;
  const TeacherFeatures teacher = teacher_of(job, image.rows);
  const Parameter* const bias = model_.logit_bias;
  job.batch.loss->run(c.ops, c.arena,
                      {.image = image,
                       .text = text,
                       .dimage = dimage,
                       .dtext = dtext,
                       .loss = job.loss,
                       .loss_scale = job.loss_scale,
                       .groups = job.groups,
                       .total = job.batch.total,
                       .products = std::max(image.rows, job.batch.total) > kExactPairs ? c.type : DType::f32,
                       .teacher = teacher,
                       .statistics = job.statistics},
                      {.logit_scale = scale.weight.master,
                       .dlogit_scale = grad_of(scale),
                       .logit_bias = bias ? bias->weight.master : Tensor{},
                       .dlogit_bias = bias ? grad_of(*bias) : Tensor{},
                       .accumulate = c.accumulate});
}

void Gradients::whole_batch(const Job& job) const {
  Context& c = job.run.context;
  const Batch& batch = job.batch;
  const int64_t n = batch.images.count, e = model_.config.embed_dim;
  const Tensor image = c.take_f32(n, e), text = c.take_f32(n, e), dimage = c.take_f32(n, e), dtext = c.take_f32(n, e);
  const VisionInput pictures = vision_input(c.arena, job.run.backend, model_.config.vision, batch.images, 0, n);
  const TextInput captions = text_input(c.arena, job.run.backend, model_.config.text, batch.tokens, 0, n);
  const bool vision_learns = model_.vision_learns(), text_learns = model_.text_learns();
  const size_t vision_begin = c.arena.used();
  c.training = vision_learns;
  model_.vision->forward(c, pictures, image, *vision_saved_);
  if (!vision_learns) c.arena.release_to(vision_begin);
  const size_t text_begin = c.arena.used();
  c.training = text_learns;
  model_.text->forward(c, captions, text, *text_saved_);
  c.training = true;
  loss_of(job, image, text, dimage, dtext);
  if (text_learns) model_.text->backward(c, captions, *text_saved_, dtext);
  c.arena.release_to(text_begin);
  if (vision_learns) model_.vision->backward(c, pictures, *vision_saved_, dimage);
}

// Exact large batches in bounded memory: features of all samples first, then each slice again with what the loss wants
// of it. Source: Gao et al., "Scaling deep contrastive learning batch size under memory limited setup" (GradCache, 2021).
void Gradients::micro_batches(const Job& job) const {
  Context& c = job.run.context;
  const Batch& batch = job.batch;
  const int64_t n = batch.images.count, e = model_.config.embed_dim;
  const Tensor image = c.take_f32(n, e), text = c.take_f32(n, e), dimage = c.take_f32(n, e), dtext = c.take_f32(n, e);
  const auto slices = [&](auto&& body) {
    for (int64_t first = 0; first < n; first += batch.micro_batch) {
      const Frame frame(c.arena);
      body(first, std::min(batch.micro_batch, n - first));
    }
  };
  // Each tower of each slice is sent by itself: as one, the whole step would be another whenever one slice's captions have
  // another length, and hardly ever be a list that the device knows. The last is sent with what follows.
  const auto begin = [&] {
    if (job.run.backend) job.run.backend->flush();
  };
  const auto pictures = [&](int64_t first, int64_t m, auto&& body) {
    const Frame frame(c.arena);
    begin();
    body(vision_input(c.arena, job.run.backend, model_.config.vision, batch.images, first, m));
  };
  const auto captions = [&](int64_t first, int64_t m, auto&& body) {
    const Frame frame(c.arena);
    begin();
    body(text_input(c.arena, job.run.backend, model_.config.text, batch.tokens, first, m));
  };
  c.training = false;
  slices([&](int64_t first, int64_t m) {
    pictures(first, m, [&](const VisionInput& in) {
      model_.vision->forward(c, in, image.row_range(first, m), *vision_saved_);
    });
    captions(first, m,
             [&](const TextInput& in) { model_.text->forward(c, in, text.row_range(first, m), *text_saved_); });
  });
  begin();
  loss_of(job, image, text, dimage, dtext);
  c.training = true;
  const bool vision_learns = model_.vision_learns(), text_learns = model_.text_learns();
  slices([&](int64_t first, int64_t m) {
    const Tensor again = c.take_f32(m, e);
    if (vision_learns)
      pictures(first, m, [&](const VisionInput& in) {
        model_.vision->forward(c, in, again, *vision_saved_);
        model_.vision->backward(c, in, *vision_saved_, dimage.row_range(first, m));
      });
    if (text_learns)
      captions(first, m, [&](const TextInput& in) {
        model_.text->forward(c, in, again, *text_saved_);
        model_.text->backward(c, in, *text_saved_, dtext.row_range(first, m));
      });
    c.accumulate = true;
  });
}

}  // namespace cw
