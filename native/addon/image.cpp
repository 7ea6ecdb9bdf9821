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

/// [left, top, width, height], or `all` where there is none.
Window window_at(const Napi::Object& o, const char* key, const Window& all) {
  if (o.Get(key).IsUndefined()) return all;
  const auto w = numbers_at<4>(o, key);
  return {pixels(w[0]), pixels(w[1]), pixels(w[2]), pixels(w[3])};
}

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
    const int width = pixels(number_at(o, "width")), height = pixels(number_at(o, "height"));
    if (width < 1 || height < 1 || source.ElementLength() != static_cast<size_t>(width) * height * 3 || !source.Data())
      bad_argument("data: expected width × height × 3 = " + std::to_string(int64_t{width} * height * 3) + " bytes, got " +
                   std::to_string(source.ElementLength()));
    const Window part = window_at(o, "crop", {0, 0, width, height});
    if (part.left < 0 || part.top < 0 || part.width > width - part.left || part.height > height - part.top)
      bad_argument("crop: expected a part of " + std::to_string(width) + " x " + std::to_string(height) + " pixels");
    const size_t stride = static_cast<size_t>(width) * 3;
    Resize r{.src = source.Data() + part.top * stride + static_cast<size_t>(part.left) * 3,
             .width = part.width,
             .height = part.height,
             .stride = stride,
             .box = numbers_at<4>(o, "box"),
             .out_width = pixels(number_at(o, "outWidth")),
             .out_height = pixels(number_at(o, "outHeight"))};
    r.window = window_at(o, "window", {0, 0, r.out_width, r.out_height});
    r.mirrored = o.Get("mirrored").ToBoolean();
    check_resize(r);
    auto* work = new ResizeWork(env, r, source);
    const Napi::Promise promise = work->promise();
    work->Queue();
    return promise;
  });
}

}  // namespace cw
