#include "addon/image.h"

#include <array>
#include <cmath>
#include <functional>
#include <utility>

#include "addon/arguments.h"
#include "addon/environment.h"
#include "core/names.h"
#include "image/adjust.h"
#include "image/jpeg.h"
#include "image/resize.h"

namespace cw {
namespace {

/// Names as in lib/native/names.ts.
constexpr Named<ResizeFilter> kFilters[] = {
    {"bicubic", ResizeFilter::bicubic}, {"bilinear", ResizeFilter::bilinear}, {"nearest", ResizeFilter::nearest}};

/// Work on a picture on libuv's pool, beside the decoders. Arrays stay referenced rather than copied: lib/image made them,
/// and nobody changes them before the promise is settled, with `result`.
class PictureWork final : public Napi::AsyncWorker {
 public:
  static Napi::Promise start(Napi::Env env, const char* name, std::function<void()> work, Napi::Uint8Array source,
                             Napi::Uint8Array result) {
    auto* self = new PictureWork(env, name, std::move(work), source, result);
    const Napi::Promise promise = self->deferred_.Promise();
    self->Queue();
    return promise;
  }

 private:
  PictureWork(Napi::Env env, const char* name, std::function<void()> work, Napi::Uint8Array source, Napi::Uint8Array result)
      : AsyncWorker(env, name),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        source_(Napi::Persistent(source)),
        result_(Napi::Persistent(result)) {}

  void Execute() override {
    try {
      work_();
    } catch (const Error& e) {
      fail(e.code, e.what());
    } catch (const std::bad_alloc&) {
      fail(Code::out_of_memory, "the machine has no memory left for this picture");
    }
  }
  void OnOK() override { deferred_.Resolve(result_.Value()); }
  void OnError(const Napi::Error& e) override { deferred_.Reject(js_error(Env(), code_, e.Message()).Value()); }

  void fail(Code code, const char* what) {
    code_ = code;
    SetError(what);
  }

  Napi::Promise::Deferred deferred_;
  Code code_ = Code::device;
  std::function<void()> work_;
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

Napi::Uint8Array bytes_at(const Napi::Object& o, const char* key) {
  const Napi::Value value = o.Get(key);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    bad_argument(std::string(key) + ": expected a Uint8Array");
  return value.As<Napi::Uint8Array>();
}

/// [height, width, channels] in memory that is there.
struct Data {
  Napi::Uint8Array array;
  int width, height;
};

Data data_at(const Napi::Object& o, int channels = 3) {
  auto array = bytes_at(o, "data");
  const int width = pixels(number_at(o, "width")), height = pixels(number_at(o, "height"));
  if (width < 1 || height < 1 || array.ElementLength() != static_cast<size_t>(width) * height * channels || !array.Data())
    bad_argument("data: expected width × height × " + std::to_string(channels) + " = " + std::to_string(int64_t{width} * height * channels) + " bytes, got " +
                 std::to_string(array.ElementLength()));
  return {array, width, height};
}

/// What `jpeg`, `shrink`, `orientation`, `width` and `height` say.
Jpeg jpeg_at(const Napi::Object& o, int channels) {
  if (channels != 3) bad_argument("channels: expected 3 for a JPEG");
  auto bytes = bytes_at(o, "jpeg");
  const Jpeg jpeg{.data = bytes.Data(),
                  .size = bytes.ByteLength(),
                  .shrink = pixels(number_at(o, "shrink")),
                  .orientation = pixels(number_at(o, "orientation")),
                  .width = pixels(number_at(o, "width")),
                  .height = pixels(number_at(o, "height"))};
  check_jpeg(jpeg);
  return jpeg;
}

/// Where the result goes: `into`, or memory of its own.
Napi::Uint8Array result_at(const Napi::Object& o, size_t bytes) {
  if (o.Get("into").IsUndefined()) return Napi::Uint8Array::New(o.Env(), bytes);
  auto into = bytes_at(o, "into");
  if (into.ByteLength() != bytes || !into.Data())
    bad_argument("into: expected " + std::to_string(bytes) + " bytes, got " + std::to_string(into.ByteLength()));
  return into;
}

/// Lists [name, value, value, value], of which the values may be left away.
std::vector<Adjustment> adjustments_at(const Napi::Object& o) {
  const Napi::Value list = o.Get("adjustments");
  if (!list.IsArray()) bad_argument("adjustments: expected a list");
  std::vector<Adjustment> out;
  for (uint32_t i = 0; i < list.As<Napi::Array>().Length(); ++i) {
    const Napi::Value item = list.As<Napi::Array>().Get(i);
    if (!item.IsArray() || !item.As<Napi::Array>().Get(0u).IsString())
      bad_argument("adjustments: expected lists of a name and its values");
    const auto parts = item.As<Napi::Array>();
    Adjustment a{.name = parts.Get(0u).As<Napi::String>().Utf8Value()};
    for (uint32_t k = 1; k < parts.Length() && k <= a.values.size(); ++k) {
      if (!parts.Get(k).IsNumber()) bad_argument("adjustments: expected numbers after the name " + a.name);
      a.values[k - 1] = parts.Get(k).As<Napi::Number>().DoubleValue();
    }
    check_adjustment(a);
    out.push_back(std::move(a));
  }
  return out;
}

/// [left, top, width, height], or `all` where there is none.
Window window_at(const Napi::Object& o, const char* key, const Window& all) {
  if (o.Get(key).IsUndefined()) return all;
  const auto w = numbers_at<4>(o, key);
  return {pixels(w[0]), pixels(w[1]), pixels(w[2]), pixels(w[3])};
}

}  // namespace

Napi::Value resize_picture(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    if (!info[0].IsObject()) bad_argument("resizePicture: expected an object of options");
    const auto o = info[0].As<Napi::Object>();
    const int channels = o.Get("channels").IsUndefined() ? 3 : pixels(number_at(o, "channels"));
    if (channels != 3 && channels != 4) bad_argument("channels: expected 3 or 4");
    const bool is_jpeg = !o.Get("jpeg").IsUndefined();
    const Jpeg jpeg = is_jpeg ? jpeg_at(o, channels) : Jpeg{};
    auto [source, width, height] = is_jpeg ? Data{bytes_at(o, "jpeg"), jpeg.width, jpeg.height} : data_at(o, channels);
    const Window part = window_at(o, "crop", {0, 0, width, height});
    if (part.left < 0 || part.top < 0 || part.width > width - part.left || part.height > height - part.top)
      bad_argument("crop: expected a part of " + std::to_string(width) + " x " + std::to_string(height) + " pixels");
    const size_t stride = static_cast<size_t>(width) * channels;
    const size_t begin = part.top * stride + static_cast<size_t>(part.left) * channels;
    Resize r{.src = source.Data() + begin,
             .channels = channels,
             .width = part.width,
             .height = part.height,
             .stride = stride,
             .box = numbers_at<4>(o, "box"),
             .out_width = pixels(number_at(o, "outWidth")),
             .out_height = pixels(number_at(o, "outHeight"))};
    r.window = window_at(o, "window", {0, 0, r.out_width, r.out_height});
    r.filter = named_in(kFilters, o.Get("filter"), "filter");
    r.mirrored = o.Get("mirrored").ToBoolean();
    check_resize(r);
    auto result = result_at(o, static_cast<size_t>(r.window.width) * r.window.height * 3);
    r.dst = result.Data();
    const auto plain = [r] { resize(r); };
    const auto decoding = [r, jpeg, begin]() mutable {
      r.src = decode_jpeg(jpeg) + begin;
      resize(r);
    };
    return is_jpeg ? PictureWork::start(env, "clipwright.decode", decoding, source, result)
                   : PictureWork::start(env, "clipwright.resize", plain, source, result);
  });
}

Napi::Value adjust_picture(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    if (!info[0].IsObject()) bad_argument("adjustPicture: expected an object of options");
    const auto o = info[0].As<Napi::Object>();
    auto [data, width, height] = data_at(o);
    const Picture picture{data.Data(), width, height};
    const auto work = [picture, adjustments = adjustments_at(o)] { adjust(picture, adjustments); };
    return PictureWork::start(env, "clipwright.adjust", work, data, data);
  });
}

}  // namespace cw
