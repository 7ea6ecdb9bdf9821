#include "engine/gradients.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "engine/inputs.h"
#include "engine/sliced_tower.h"

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
  const DistinctCaptions& captions;
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
  const auto fixed = [](const float* features, const char* tower, bool learns) {
    if (features && learns)
      throw Error(Code::invalid_argument, std::string("[batch] brings features of the ") + tower + " tower, which learns");
    return features != nullptr;
  };
  if (!fixed(batch.images.features, "image", model_.vision_learns())) validate(batch.images, model_.config.vision);
  if (!fixed(batch.tokens.features, "text", model_.text_learns())) validate(batch.tokens, model_.config.text);
}

PlannedRuns::Body Gradients::of(const Batch& batch, const Tensor& loss_scale, bool accumulate, Results* results) const {
  const bool draws = batch.tokens.features || (batch.tokens.dropout && model_.config.text.has_dropout());
  const auto captions = std::make_shared<const DistinctCaptions>(batch.tokens, draws);
  return [this, &batch, captions, loss_scale, accumulate, results](PlannedRuns::Run& r) {
    r.context.accumulate = accumulate;
    r.context.checkpointing = batch.checkpointing;
    results->loss = r.context.take_f32(1, 1);
    results->logit_scale = r.context.take_f32(1, 1);
    // Before a step changes it.
    r.context.ops.cast({.x = model_.logit_scale.weight.master, .y = results->logit_scale});
    if (batch.statistics)
      results->statistics = r.context.take_f32(1, static_cast<int64_t>(PairStatistics::count) * batch.images.count);
    const Job job{r, batch, *captions, results->loss, loss_scale, groups_of(r, batch), results->statistics};
    if (r.backend) r.backend->keep_packed(batch.sliced());
    if (batch.sliced())
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

bool Gradients::given(const Job& job, const float* from, const Tensor& to) {
  if (from && job.run.backend) job.run.backend->upload(to, from);
  return from != nullptr;
}

void Gradients::whole_batch(const Job& job) const {
  Context& c = job.run.context;
  const Batch& batch = job.batch;
  Backend* const backend = job.run.backend;
  const int64_t n = batch.images.count, e = model_.config.embed_dim;
  const Tensor image = c.take_f32(n, e), dimage = c.take_f32(n, e);
  const CaptionFeatures text(c, backend, job.captions, e, /*gradients=*/true);
  const bool vision_learns = model_.vision_learns(), text_learns = model_.text_learns();
  VisionInput pictures;
  if (!given(job, batch.images.features, image)) {
    pictures = vision_input(c.arena, backend, model_.config.vision, batch.images, 0, n);
    const size_t begin = c.arena.used();
    c.training = vision_learns;
    model_.vision->forward(c, pictures, image, *vision_saved_);
    if (!vision_learns) c.arena.release_to(begin);
  }
  const size_t text_begin = c.arena.used();
  TextInput captions;
  if (!given(job, batch.tokens.features, text.features)) {
    const HostTokens& tokens = job.captions.tokens();
    captions = text_input(c.arena, backend, model_.config.text, tokens, 0, tokens.count);
    const size_t begin = c.arena.used();
    c.training = text_learns;
    model_.text->forward(c, captions, text.own_features, *text_saved_);
    if (!text_learns) c.arena.release_to(begin);
    text.spread(c.ops);
  }
  c.training = true;
  loss_of(job, image, text.features, dimage, text.dfeatures);
  if (text_learns) {
    text.add_up(c.ops);
    model_.text->backward(c, captions, *text_saved_, text.own_dfeatures);
  }
  c.arena.release_to(text_begin);
  if (vision_learns) model_.vision->backward(c, pictures, *vision_saved_, dimage);
}

// Exact large batches in bounded memory: features of all samples first, then each slice but the one that came last again, with
// what the loss wants of it. Source: Gao et al., "Scaling deep contrastive learning batch size under memory limited setup"
// (GradCache, 2021).
void Gradients::micro_batches(const Job& job) const {
  Context& c = job.run.context;
  const Batch& batch = job.batch;
  Backend* const backend = job.run.backend;
  const int64_t n = batch.images.count, e = model_.config.embed_dim;
  const Tensor image = c.take_f32(n, e), dimage = c.take_f32(n, e);
  const CaptionFeatures text(c, backend, job.captions, e, /*gradients=*/true);
  const bool vision_learns = model_.vision_learns(), text_learns = model_.text_learns();
  const HostTokens& tokens = job.captions.tokens();
  SlicedTower<VisionTower, VisionInput> pictures(
      c, backend, *model_.vision, *vision_saved_, n, batch.micro_batch, [&](int64_t first, int64_t count) {
        return vision_input(c.arena, backend, model_.config.vision, batch.images, first, count);
      });
  SlicedTower<TextTower, TextInput> captions(
      c, backend, *model_.text, *text_saved_, tokens.count, batch.micro_batch, [&](int64_t first, int64_t count) {
        return text_input(c.arena, backend, model_.config.text, tokens, first, count);
      });
  // The tower that learns comes last, and keeps its last slice: of two pictures', which hold more and take longer.
  if (!given(job, batch.images.features, image) && !vision_learns) pictures.encode(image, false);
  if (!given(job, batch.tokens.features, text.features)) captions.encode(text.own_features, text_learns && !vision_learns);
  if (vision_learns) pictures.encode(image, true);
  c.training = true;
  if (backend) backend->flush();
  if (!batch.tokens.features) text.spread(c.ops);
  loss_of(job, image, text.features, dimage, text.dfeatures);
  if (text_learns) text.add_up(c.ops);
  const bool accumulate = c.accumulate;
  if (vision_learns) pictures.learn(dimage);
  c.accumulate = accumulate;
  if (text_learns) captions.learn(text.own_dfeatures);
}

}  // namespace cw
