// A session's features, and their loss.
#include "addon/arguments.h"
#include "addon/batch.h"
#include "addon/session_parts.h"

namespace cw {

Napi::Value SessionObject::encode_images(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto images = images_argument(object_argument(info, 0), parts_->image_size);
    const auto values = static_cast<size_t>(images.images.count * parts_->embed_dim);
    const bool normalize = info[1].ToBoolean();
    return queue_floats(info, values, [normalize, images = std::move(images)](Session& s, float* to) {
      s.encode_images(images.view(), normalize, to);
    });
  });
}

Napi::Value SessionObject::encode_texts(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto tokens = tokens_argument(object_argument(info, 0));
    const auto values = tokens.pool.size() * static_cast<size_t>(parts_->embed_dim);
    const bool normalize = info[1].ToBoolean();
    return queue_floats(info, values, [normalize, tokens = std::move(tokens)](Session& s, float* to) {
      s.encode_texts(tokens.view(), normalize, to);
    });
  });
}

Napi::Value SessionObject::feature_loss(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    auto image = copy_array<float>(info[0], napi_float32_array, "image");
    auto text = copy_array<float>(info[1], napi_float32_array, "text");
    const auto loss = loss_argument(object_argument(info, 2));
    const auto n = static_cast<int64_t>(image.size()) / parts_->embed_dim;
    if (n < 1 || image.size() != text.size() || static_cast<int64_t>(image.size()) != n * parts_->embed_dim)
      bad_argument("image, text: expected [n, " + std::to_string(parts_->embed_dim) + "] both, n at least 1");
    return queue(info, [=, image = std::move(image), text = std::move(text)](Session& s) {
      return s.feature_loss(image.data(), text.data(), n, *loss);
    });
  });
}

}  // namespace cw
