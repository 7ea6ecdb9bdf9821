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

}  // namespace

Napi::Value rank_features_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto o = info[0].As<Napi::Object>();
    const int64_t dim = integer_at(o, "dim");
    const FeaturesArgument images(o, "images", dim), texts(o, "texts", dim);
    Relevance relevance = relevance_argument(object_at(o, "relevance"));
    if (texts.rows != relevance.captions()) bad_argument("texts: expected a row for each caption of relevance");
    auto ranks = std::make_shared<RetrievalRanks>(images.rows, std::move(relevance));
    Environment& environment = Environment::of(env);
    const std::shared_ptr<Worker> worker = environment.service();
    return environment.run(
        env, worker,
        [sets = FeatureSets{.images = images.data, .texts = texts.data, .dim = dim}, ranks, worker = worker.get()] {
          rank_features(sets, *ranks, worker->stop_flag());
        },
        [ranks, images, texts](Napi::Env e) -> Napi::Value { return result(e, *ranks); });
  });
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
