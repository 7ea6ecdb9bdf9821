#include "addon/read_summed.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "addon/arguments.h"
#include "addon/environment.h"

/// zlib's, of Node.js itself, which exports it to addons (nodejs.org/api/addons.html); it uses the processor's folding.
extern "C" __attribute__((weak)) unsigned long crc32(unsigned long crc, const unsigned char* data, unsigned int size);

namespace cw {
namespace {

/// What is read at a time: its sum is taken while a core's second cache has it.
constexpr size_t kPiece = size_t{128} << 10;

/// On libuv's pool, in one job: as two, by fs.read and zlib.crc32, the sum would be the event loop's.
class SummedRead final : public Napi::AsyncWorker {
 public:
  SummedRead(Napi::Env env, int file, off_t offset, Napi::Uint8Array into)
      : AsyncWorker(env, "clipwright.read"),
        deferred_(Napi::Promise::Deferred::New(env)),
        file_(file),
        offset_(offset),
        data_(into.Data()),
        size_(into.ByteLength()),
        into_(Napi::Persistent(into)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 private:
  void Execute() override {
    for (size_t done = 0; done < size_;) {
      const ssize_t got = pread(file_, data_ + done, std::min(kPiece, size_ - done), offset_ + static_cast<off_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return SetError(std::strerror(errno));
      if (got == 0) return SetError("the file ends after " + std::to_string(done) + " of " + std::to_string(size_) + " bytes");
      sum_ = static_cast<uint32_t>(crc32(sum_, data_ + done, static_cast<unsigned>(got)));
      done += static_cast<size_t>(got);
    }
  }
  void OnOK() override { deferred_.Resolve(Napi::Number::New(Env(), sum_)); }
  void OnError(const Napi::Error& e) override { deferred_.Reject(js_error(Env(), Code::device, e.Message()).Value()); }

  Napi::Promise::Deferred deferred_;
  int file_;
  off_t offset_;
  uint8_t* data_;
  size_t size_;
  uint32_t sum_ = 0;
  Napi::Reference<Napi::Uint8Array> into_;
};

}  // namespace

Napi::Value read_summed(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Napi::Object o = object_argument(info, 0);
    const int64_t file = integer_at(o, "file"), offset = integer_at(o, "offset");
    array_in_place<uint8_t>(o.Get("into"), napi_uint8_array, "into");  // refuses what is not to be written to
    if (!crc32) throw Error(Code::unsupported, "this Node.js has no zlib");
    auto* read = new SummedRead(env, static_cast<int>(file), offset, o.Get("into").As<Napi::Uint8Array>());
    const Napi::Promise promise = read->promise();
    read->Queue();
    return promise;
  });
}

}  // namespace cw
