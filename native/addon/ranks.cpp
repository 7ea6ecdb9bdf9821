#include "addon/ranks.h"

#include <memory>
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
    struct Job {
      std::vector<float> images, texts;
      RetrievalRanks ranks;
    };
    const auto o = info[0].As<Napi::Object>();
    const int64_t dim = integer_at(o, "dim");
    auto images = floats_at(o, "images"), texts = floats_at(o, "texts");
    Relevance relevance = relevance_argument(object_at(o, "relevance"));
    const auto rows = [&](const std::vector<float>& of) {
      if (dim < 1 || of.size() % dim != 0) bad_argument("images, texts: expected [rows, dim] with dim at least 1");
      return static_cast<int64_t>(of.size()) / dim;
    };
    const int64_t n = rows(images);
    if (rows(texts) != relevance.captions()) bad_argument("texts: expected a row for each caption of relevance");
    auto job = std::make_shared<Job>(Job{std::move(images), std::move(texts), RetrievalRanks(n, std::move(relevance))});
    Environment& environment = Environment::of(env);
    const std::shared_ptr<Worker> worker = environment.service();
    return environment.run(
        env, worker,
        [job, dim, worker = worker.get()] {
          rank_features({.images = job->images.data(), .texts = job->texts.data(), .dim = dim}, job->ranks, worker->stop_flag());
        },
        [job](Napi::Env e) -> Napi::Value { return result(e, job->ranks); });
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
