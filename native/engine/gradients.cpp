#include "engine/gradients.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "engine/inputs.h"

namespace cw {

struct Gradients::Job {
  PlannedRuns::Run& run;
  const Batch& batch;
  Tensor loss, loss_scale;
};

Gradients::Gradients(const Clip& model)
    : model_(model), vision_saved_(model.vision->make_saved()), text_saved_(model.text->make_saved()) {}

void Gradients::demand(const Batch& batch) const {
  if (batch.images.count < 1 || batch.images.count != batch.tokens.count)
    throw Error(Code::invalid_argument, "[batch] expected as many captions as images and at least one, got " +
                                            std::to_string(batch.images.count) + " images and " +
                                            std::to_string(batch.tokens.count) + " captions");
  if (!batch.loss) throw Error(Code::invalid_argument, "[batch] has no loss");
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
    const Job job{r, batch, results->loss, loss_scale};
    if (batch.micro_batch > 0 && batch.micro_batch < batch.images.count)
      micro_batches(job);
    else
      whole_batch(job);
  };
}

void Gradients::loss_of(const Job& job, Tensor image, Tensor text, Tensor dimage, Tensor dtext) const {
  // A frozen temperature or bias still takes part; its gradient goes nowhere.
  const Context& c = job.run.context;
  const Parameter* bias = model_.logit_bias;
  job.batch.loss->run(c.ops, c.arena,
                      {.image = image,
                       .text = text,
                       .dimage = dimage,
                       .dtext = dtext,
                       .loss = job.loss,
                       .loss_scale = job.loss_scale,
                       .products = c.type},
                      {.logit_scale = model_.logit_scale.weight.master,
                       .dlogit_scale = model_.logit_scale.grad,
                       .logit_bias = bias ? bias->weight.master : Tensor{},
                       .dlogit_bias = bias ? bias->grad : Tensor{},
                       .accumulate = c.accumulate});
}

void Gradients::whole_batch(const Job& job) const {
  Context& c = job.run.context;
  const Batch& batch = job.batch;
  c.training = true;
  const int64_t n = batch.images.count, e = model_.config.embed_dim;
  const Tensor image = c.take_f32(n, e), text = c.take_f32(n, e), dimage = c.take_f32(n, e), dtext = c.take_f32(n, e);
  const VisionInput pictures = vision_input(c.arena, job.run.backend, model_.config.vision, batch.images, 0, n);
  const TextInput captions = text_input(c.arena, job.run.backend, model_.config.text, batch.tokens, 0, n);
  model_.vision->forward(c, pictures, image, *vision_saved_);
  const size_t text_begin = c.arena.used();
  model_.text->forward(c, captions, text, *text_saved_);
  loss_of(job, image, text, dimage, dtext);
  model_.text->backward(c, captions, *text_saved_, dtext);
  c.arena.release_to(text_begin);
  model_.vision->backward(c, pictures, *vision_saved_, dimage);
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
  const auto towers = [&](int64_t first, int64_t m, auto&& image_body, auto&& text_body) {
    {
      const Frame frame(c.arena);
      begin();
      image_body(vision_input(c.arena, job.run.backend, model_.config.vision, batch.images, first, m));
    }
    const Frame frame(c.arena);
    begin();
    text_body(text_input(c.arena, job.run.backend, model_.config.text, batch.tokens, first, m));
  };
  c.training = false;
  slices([&](int64_t first, int64_t m) {
    towers(
        first, m,
        [&](const VisionInput& in) { model_.vision->forward(c, in, image.row_range(first, m), *vision_saved_); },
        [&](const TextInput& in) { model_.text->forward(c, in, text.row_range(first, m), *text_saved_); });
  });
  begin();
  loss_of(job, image, text, dimage, dtext);
  c.training = true;
  slices([&](int64_t first, int64_t m) {
    const Tensor again = c.take_f32(m, e);
    towers(
        first, m,
        [&](const VisionInput& in) {
          model_.vision->forward(c, in, again, *vision_saved_);
          model_.vision->backward(c, in, *vision_saved_, dimage.row_range(first, m));
        },
        [&](const TextInput& in) {
          model_.text->forward(c, in, again, *text_saved_);
          model_.text->backward(c, in, *text_saved_, dtext.row_range(first, m));
        });
    c.accumulate = true;
  });
}

}  // namespace cw
