#include "addon/image.h"

#include <array>
#include <cmath>

#include "addon/arguments.h"
#include "addon/environment.h"
#include "image/resize.h"

namespace cw {
namespace {

/// On libuv's pool beside the decoders. The source stays referenced rather than copied: lib/image made it and keeps it.
class ResizeWork final : public Napi::AsyncWorker {
 public:
  ResizeWork(Napi::Env env, const Resize& resize, Napi::Uint8Array source)
      : AsyncWorker(env, "clipwright.resize"),
        deferred_(Napi::Promise::Deferred::New(env)),
        resize_(resize),
        source_(Napi::Persistent(source)) {
    auto result = Napi::Uint8Array::New(env, static_cast<size_t>(resize.window.width) * resize.window.height * 3);
    resize_.dst = result.Data();
    result_ = Napi::Persistent(result);
  }
  Napi::Promise promise() const { return deferred_.Promise(); }

 private:
  void Execute() override { resize_bicubic(resize_); }
  void OnOK() override { deferred_.Resolve(result_.Value()); }
  void OnError(const Napi::Error& e) override { deferred_.Reject(e.Value()); }

  Napi::Promise::Deferred deferred_;
  Resize resize_;
  Napi::Reference<Napi::Uint8Array> source_, result_;
};

template <size_t n>
std::array<double, n> numbers_at(const Napi::Object& o, const char* key) {
  const Napi::Value v = o.Get(key);
  if (!v.IsArray() || v.As<Napi::Array>().Length() != n)
    bad_argument(std::string(key) + ": expected " + std::to_string(n) + " numbers");
  std::array<double, n> out{};
  for (uint32_t i = 0; i < n; ++i) {
    const Napi::Value item = v.As<Napi::Array>().Get(i);
    if (!item.IsNumber()) bad_argument(std::string(key) + ": expected " + std::to_string(n) + " numbers");
    out[i] = item.As<Napi::Number>().DoubleValue();
  }
  return out;
}

/// A number of pixels that fits an int; nonsense becomes -1, which the resize refuses by name wherever it stands.
int pixels(double x) { return x >= 0 && x <= 1 << 24 && x == std::floor(x) ? static_cast<int>(x) : -1; }

}  // namespace

Napi::Value resize_bicubic(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    if (!info[0].IsObject()) bad_argument("resizeBicubic: expected an object of options");
    const auto o = info[0].As<Napi::Object>();
    const Napi::Value data = o.Get("data");
    if (!data.IsTypedArray() || data.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
      bad_argument("data: expected a Uint8Array");
    auto source = data.As<Napi::Uint8Array>();
    Resize r{.src = source.Data(),
             .width = pixels(number_at(o, "width")),
             .height = pixels(number_at(o, "height")),
             .box = numbers_at<4>(o, "box"),
             .out_width = pixels(number_at(o, "outWidth")),
             .out_height = pixels(number_at(o, "outHeight"))};
    r.window = {0, 0, r.out_width, r.out_height};
    if (!o.Get("window").IsUndefined()) {
      const auto w = numbers_at<4>(o, "window");
      r.window = {pixels(w[0]), pixels(w[1]), pixels(w[2]), pixels(w[3])};
    }
    r.mirrored = o.Get("mirrored").ToBoolean();
    check_resize(r);
    if (source.ElementLength() != static_cast<size_t>(r.width) * r.height * 3 || !source.Data())
      bad_argument("data: expected width × height × 3 = " + std::to_string(int64_t{r.width} * r.height * 3) +
                   " bytes, got " + std::to_string(source.ElementLength()));
    auto* work = new ResizeWork(env, r, source);
    const Napi::Promise promise = work->promise();
    work->Queue();
    return promise;
  });
}

}  // namespace cw
