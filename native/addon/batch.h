// NativeImages, NativeTokens, NativeLoss and NativeBatch of lib/native/batch.ts: host memory that a job takes along.
#pragma once
#include <napi.h>

#include <memory>
#include <vector>

#include "engine/batch.h"

namespace cw {

/// Where a job reads pictures: a copy, or where JavaScript has them; that array must then be held until the job is done.
enum class Pictures : uint8_t { copied, in_place };

struct ImagesArgument {
  HostImages images;
  std::shared_ptr<const std::vector<std::byte>> copy;
  std::vector<float> features{};  // in place of pictures
  HostImages view() const;
};
struct TokensArgument {
  std::vector<int32_t> ids, offsets, pool;
  std::vector<float> features{};  // in place of captions, of which there are `count`
  int64_t count = 0;
  HostTokens view() const;
};
struct TeacherArgument {
  std::vector<float> image, text;
  int64_t dim = 0;
  float logit_scale = 0;
};
struct BatchArgument {
  ImagesArgument images;
  TokensArgument tokens;
  TeacherArgument teacher;
  std::shared_ptr<const PairLoss> loss;
  std::vector<int32_t> groups;  // empty: none
  int64_t micro_batch = 0;
  bool checkpointing = false, may_halve = false, statistics = false;
  PatchDropout patch_dropout;
  std::optional<DropoutDraws> dropout;  // of captions
  int64_t first = 0, total = 0;  // of a rank's share
  Batch view() const;
};

/// All throw invalid_argument naming the field.
ImagesArgument images_argument(const Napi::Object& o, int64_t image_size, Pictures where = Pictures::copied);
TokensArgument tokens_argument(const Napi::Object& o);
/// Its kind, and words for that kind's options.
std::shared_ptr<const PairLoss> loss_argument(const Napi::Object& o);
/// Of a model whose features are `embed_dim` wide.
BatchArgument batch_argument(const Napi::Object& o, int64_t image_size, int64_t embed_dim, Pictures where = Pictures::copied);

}  // namespace cw
