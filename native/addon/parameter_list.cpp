#include "addon/parameter_list.h"

#include "addon/arguments.h"
#include "addon/environment.h"
#include "addon/model.h"

namespace cw {

Napi::Array list_of(Napi::Env env, const std::vector<ParameterShape>& shapes) {
  auto list = Napi::Array::New(env, shapes.size());
  for (uint32_t i = 0; i < shapes.size(); ++i) {
    auto shape = Napi::Array::New(env, shapes[i].shape.size());
    for (uint32_t d = 0; d < shapes[i].shape.size(); ++d) shape.Set(d, static_cast<double>(shapes[i].shape[d]));
    auto item = Napi::Object::New(env);
    item.Set("name", shapes[i].name);
    item.Set("shape", shape);
    item.Set("trainable", shapes[i].trainable);
    item.Set("rounded", shapes[i].rounded);
    list.Set(i, item);
  }
  return list;
}

Napi::Value parameters_of(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!info[0].IsObject()) bad_argument("model: expected an object");
    return list_of(info.Env(), shapes_of(model_config(info[0].As<Napi::Object>())));
  });
}

}  // namespace cw
