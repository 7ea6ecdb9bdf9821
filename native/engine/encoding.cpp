#include "engine/encoding.h"

#include <algorithm>

#include "engine/distinct.h"
#include "engine/inputs.h"

namespace cw {

using Run = PlannedRuns::Run;

Encoder::Encoder(const Clip& model, PlannedRuns& runs)
    : model_(model), runs_(runs), vision_saved_(model.vision->make_saved()), text_saved_(model.text->make_saved()) {}

PlannedRuns::Body Encoder::image_features(const HostImages& images, bool normalize, float* features) const {
  return [this, &images, normalize, features](Run& r) {
    const Tensor y = r.context.take_f32(images.count, model_.config.embed_dim);
    const VisionInput in = vision_input(r.context.arena, r.backend, model_.config.vision, images, 0, images.count);
    model_.vision->forward(r.context, in, y, *vision_saved_);
    if (normalize) r.context.ops.l2_normalize({.x = y, .y = y});
    if (r.backend) r.backend->download(features, y);
  };
}

PlannedRuns::Body Encoder::text_features(const HostTokens& tokens, bool normalize, float* features) const {
  const auto captions = std::make_shared<const DistinctCaptions>(tokens, /*draws=*/false);
  return [this, captions, normalize, features](Run& r) {
    const CaptionFeatures y(r.context, r.backend, *captions, model_.config.embed_dim, /*gradients=*/false);
    const HostTokens& own = captions->tokens();
    const TextInput in = text_input(r.context.arena, r.backend, model_.config.text, own, 0, own.count);
    model_.text->forward(r.context, in, y.own_features, *text_saved_);
    y.spread(r.context.ops);
    if (normalize) r.context.ops.l2_normalize({.x = y.features, .y = y.features});
    if (r.backend) r.backend->download(features, y.features);
  };
}

void Encoder::images(const HostImages& images, bool normalize, float* features) {
  runs_.run(image_features(images, normalize, features));
}

void Encoder::texts(const HostTokens& tokens, bool normalize, float* features) {
  validate(tokens, model_.config.text);
  runs_.run(text_features(tokens, normalize, features));
}

size_t Encoder::measure(int64_t count, const HostTokens& tokens) const {
  const HostImages images{.dtype = DType::u8, .count = count};
  return std::max(runs_.measure(image_features(images, true, nullptr)).total(),
                  runs_.measure(text_features(tokens, true, nullptr)).total());
}

void Encoder::features_of_one(const Context& c) const {
  const int32_t id = 0, pool = 0, offsets[] = {0, 1};
  const Tensor y = c.take_f32(1, model_.config.embed_dim);
  const HostImages image{.dtype = DType::u8, .count = 1};
  model_.vision->forward(c, vision_input(c.arena, nullptr, model_.config.vision, image, 0, 1), y, *vision_saved_);
  const HostTokens token{.ids = &id, .offsets = offsets, .pool = &pool, .count = 1};
  model_.text->forward(c, text_input(c.arena, nullptr, model_.config.text, token, 0, 1), y, *text_saved_);
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
