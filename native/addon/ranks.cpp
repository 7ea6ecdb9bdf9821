#include "addon/ranks.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/environment.h"
#include "engine/feature_ranks.h"

namespace cw {
namespace {

Relevance relevance_argument(const Napi::Object& o) {
  return {.offsets = copy_array<int32_t>(o.Get("offsets"), napi_int32_array, "relevance.offsets"),
          .images = copy_array<int32_t>(o.Get("images"), napi_int32_array, "relevance.images")};
}

/// [rows, dim]. Referenced, not copied: lib/eval made them and nobody else knows them.
struct FeaturesArgument {
  FeaturesArgument(const Napi::Object& o, const char* key, int64_t dim) {
    const Napi::Value value = o.Get(key);
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array)
      bad_argument(std::string(key) + ": expected a Float32Array");
    auto array = value.As<Napi::Float32Array>();
    const auto elements = static_cast<int64_t>(array.ElementLength());
    if (dim < 1 || elements < dim || elements % dim != 0 || !array.Data())
      bad_argument(std::string(key) + ": expected [rows, dim] with both at least 1");
    kept = std::make_shared<Napi::Reference<Napi::Float32Array>>(Napi::Persistent(array));
    data = array.Data();
    rows = elements / dim;
  }

  std::shared_ptr<Napi::Reference<Napi::Float32Array>> kept;
  const float* data;
  int64_t rows;
};

Napi::Int32Array array_of(Napi::Env env, const std::vector<int32_t>& values) {
  auto array = Napi::Int32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

Napi::Object result(Napi::Env env, const RetrievalRanks& ranks) {
  auto o = Napi::Object::New(env);
  o.Set("ofImage", array_of(env, ranks.of_image()));
  o.Set("ofCaption", array_of(env, ranks.of_caption()));
  return o;
}

Napi::Object best(Napi::Env env, const RetrievalRanks& ranks) {
  auto o = Napi::Object::New(env);
  auto scores = Napi::Float32Array::New(env, ranks.best_scores().size());
  std::copy(ranks.best_scores().begin(), ranks.best_scores().end(), scores.Data());
  o.Set("scores", scores);
  o.Set("images", array_of(env, ranks.best_images()));
  return o;
}

/// What other parts of the matrix found (NativeBest).
void offer_best(const Napi::Object& o, RetrievalRanks& ranks) {
  if (o.Get("best").IsUndefined()) return;
  const Napi::Object best = object_at(o, "best");
  const auto scores = floats_at(best, "scores");
  const auto images = copy_array<int32_t>(best.Get("images"), napi_int32_array, "best.images");
  const auto captions = static_cast<size_t>(ranks.captions());
  if (scores.size() != images.size() || images.size() % captions != 0) bad_argument("best: expected a score and an image for each caption");
  for (size_t at = 0; at < images.size(); ++at)
    if (images[at] >= 0) ranks.offer(static_cast<int64_t>(at % captions), scores[at], images[at]);
}

ImageRows rows_argument(const Napi::Object& o, int64_t images) {
  if (o.Get("rows").IsUndefined()) return {0, images};
  const Napi::Object rows = object_at(o, "rows");
  return {integer_at(rows, "first"), integer_at(rows, "last")};
}

using Work = void(const FeatureSets&, RetrievalRanks&, const ImageRows&, const std::atomic<bool>&);

/// Works on features off the main thread, and makes a value of the ranks.
Napi::Value on_features(const Napi::CallbackInfo& info, Work* work, Napi::Object (*value)(Napi::Env, const RetrievalRanks&)) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto o = info[0].As<Napi::Object>();
    const int64_t dim = integer_at(o, "dim");
    const FeaturesArgument images(o, "images", dim), texts(o, "texts", dim);
    Relevance relevance = relevance_argument(object_at(o, "relevance"));
    if (texts.rows != relevance.captions()) bad_argument("texts: expected a row for each caption of relevance");
    auto ranks = std::make_shared<RetrievalRanks>(images.rows, std::move(relevance));
    offer_best(o, *ranks);
    const ImageRows rows = rows_argument(o, images.rows);
    Environment& environment = Environment::of(env);
    const std::shared_ptr<Worker> worker = environment.service();
    return environment.run(
        env, worker,
        [sets = FeatureSets{.images = images.data, .texts = texts.data, .dim = dim}, ranks, rows, work, worker = worker.get()] {
          work(sets, *ranks, rows, worker->stop_flag());
        },
        [ranks, images, texts, value](Napi::Env e) -> Napi::Value { return value(e, *ranks); });
  });
}

}  // namespace

Napi::Value rank_features_of(const Napi::CallbackInfo& info) {
  return on_features(info, rank_features, result);
}

Napi::Value best_of_captions(const Napi::CallbackInfo& info) {
  return on_features(info, find_best, best);
}

Napi::Value rank_matrix(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto o = info[0].As<Napi::Object>();
    const auto similarity = floats_at(o, "similarity");
    RetrievalRanks ranks(integer_at(o, "images"), relevance_argument(object_at(o, "relevance")));
    if (static_cast<int64_t>(similarity.size()) != ranks.images() * ranks.captions())
      bad_argument("similarity: expected [images, captions]");
    const ScoreBlock whole{0, ranks.images(), 0, ranks.captions(), similarity.data()};
    ranks.find_own(whole);
    ranks.count(whole);
    return result(env, ranks);
  });
}

}  // namespace cw
