#include "engine/encoding.h"

#include "engine/inputs.h"

namespace cw {

using Run = PlannedRuns::Run;

Encoder::Encoder(const Clip& model, PlannedRuns& runs)
    : model_(model), runs_(runs), vision_saved_(model.vision->make_saved()), text_saved_(model.text->make_saved()) {}

void Encoder::images(const HostImages& images, bool normalize, float* features) {
  runs_.run([&](Run& r) {
    const Tensor y = r.context.take_f32(images.count, model_.config.embed_dim);
    const VisionInput in = vision_input(r.context.arena, r.backend, model_.config.vision, images, 0, images.count);
    model_.vision->forward(r.context, in, y, *vision_saved_);
    if (normalize) r.context.ops.l2_normalize({.x = y, .y = y});
    if (r.backend) r.backend->download(features, y);
  });
}

void Encoder::texts(const HostTokens& tokens, bool normalize, float* features) {
  validate(tokens, model_.config.text);
  runs_.run([&](Run& r) {
    const Tensor y = r.context.take_f32(tokens.count, model_.config.embed_dim);
    const TextInput in = text_input(r.context.arena, r.backend, model_.config.text, tokens, 0, tokens.count);
    model_.text->forward(r.context, in, y, *text_saved_);
    if (normalize) r.context.ops.l2_normalize({.x = y, .y = y});
    if (r.backend) r.backend->download(features, y);
  });
}

float Encoder::loss(const float* image, const float* text, int64_t n, const PairLoss& loss) {
  float value = 0;
  runs_.run([&](Run& r) {
    const int64_t e = model_.config.embed_dim;
    const Tensor a = r.context.take_f32(n, e), b = r.context.take_f32(n, e), y = r.context.take_f32(1, 1);
    if (r.backend) r.backend->upload(a, image), r.backend->upload(b, text);
    loss.run(r.context.ops, r.context.arena, {.image = a, .text = b, .loss = y},
             {.logit_scale = model_.logit_scale.weight.master,
              .logit_bias = model_.logit_bias ? model_.logit_bias->weight.master : Tensor{}});
    if (r.backend) r.backend->download(&value, y);
  });
  return value;
}

}  // namespace cw
