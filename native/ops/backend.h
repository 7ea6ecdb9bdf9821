// A device: its memory, its operations, and what they need beside their arguments.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"
#include "dist/collectives.h"
#include "dist/group.h"
#include "ops/ops.h"

namespace cw {

/// Device memory that is freed with the object.
class Buffer {
 public:
  virtual ~Buffer() = default;
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 protected:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

/// Values on their way from the device.
class Arrival {
 public:
  virtual ~Arrival() = default;
  /// Whether wait() would return at once. On the backend's thread, while the backend lives.
  virtual bool ready() const { return true; }
  /// Waits for them. On the backend's thread, while the backend lives; at most once.
  virtual std::vector<float> wait() = 0;
  /// After wait(): how long the device worked on what was uploaded since the last arrival, without its waits for the host.
  /// Nothing where it is the host.
  virtual std::optional<double> device_ms() const { return {}; }
};

/// Device time of some calls.
struct OpTime {
  std::string name;   // an op's, as in ops.h; "upload"; "product" for what an op left to a library of products
  std::string shape;  // of products only. Their time lies within that of their ops: the sum without them is the whole.
  int64_t calls = 0;
  int64_t launches = 0;  // of kernels, a product of that library counting as one
  double ms = 0;
  double flops = 0, bytes = 0;  // of ops only: cost.h says what counts
};

class Backend : public Ops {
 public:
  Backend();
  ~Backend() override;

  /// "cpu", "reference", "cuda:0".
  virtual std::string name() const = 0;

  /// With whom the ops of ops/ranks.h talk; a process alone until then. All ranks call it alike.
  virtual void set_group(std::shared_ptr<Group> group) {
    group_ = std::move(group);
    collectives_ = Collectives(*group_);
  }
  Ranks ranks() const override { return group_->ranks(); }
  /// What values between ranks go through: "the host", or a library by its name and version.
  virtual std::string way_between_ranks() const { return "the host"; }
  /// What this rank has sent since then, where that is the host.
  const TrafficByKind& traffic() const { return collectives_.traffic(); }

  /// Zeroed. Throws out_of_memory naming the bytes asked for.
  virtual std::unique_ptr<Buffer> allocate(size_t bytes) = 0;
  /// Bytes that could still be allocated, as far as the device can tell.
  virtual size_t available_bytes() const { return SIZE_MAX; }
  /// Host to device; the host memory may be reused when it returns.
  virtual void upload(const Tensor& to, const void* from) = 0;
  /// Elements first .. first+count of what is uploaded, put to where they are wanted. Called for parts of it in any order and by
  /// several threads; false: it has not got them, and need not be asked for others.
  using Source = std::function<bool(float* to, int64_t first, int64_t count)>;
  /// The same of f32 that is read or made on the way, which is contiguous on the device and of a type that it uploads_as().
  /// Whether all of it was there.
  virtual bool upload_from(const Tensor& to, const Source& from);
  /// Device to host after all that was queued before; contiguous in host memory.
  virtual void download(void* to, const Tensor& from) = 0;
  /// A few rows of f32 as they will be when all that was queued before is done, one after the other; for kFetched values there is
  /// always room, and for more once there was. Returns at once where the device works beside the host.
  virtual std::unique_ptr<Arrival> fetch(const std::vector<Tensor>& from);
  static constexpr size_t kFetched = 64;
  /// Where the device works beside the host: begins what was queued, without waiting. What is queued between two calls is
  /// best the same again and again.
  virtual void flush() {}
  /// Waits for all that was queued.
  virtual void synchronize() = 0;
  /// Whether the device works beside the host, so that it is worthwhile to queue a step before the last one's results are in.
  virtual bool concurrent() const { return false; }

  /// While on, op_times() has the device's time of every op: where it works beside the host they then run one by one, which
  /// costs some time between them.
  virtual void profile(bool on);
  /// Waits for all that was queued. What took longest first; begins anew.
  virtual std::vector<OpTime> op_times();

  /// Bytes of scratch an op takes; asked by the planner, never while running.
#define CW_DECLARE(name, Struct) virtual size_t scratch(const Struct&) const { return 0; }
  CW_FOR_EACH_OP(CW_DECLARE)
#undef CW_DECLARE
  /// Scratch for the ops that follow: at least the largest of what scratch() said. Kept by the caller.
  virtual void set_scratch(void* data, size_t bytes) = 0;

  /// Whether an MLP's hidden units are to be made again by the backward pass that reads their arguments anyway, rather than kept:
  /// a quarter of what a block keeps, for one store more.
  virtual bool remakes_hidden() const { return true; }
  /// Whether products in this type run at the machine's full rate; false: stored as it, multiplied in f32.
  virtual bool fast(DType type) const = 0;
  /// Whether weights will be read several times before they change: packed copies are then kept from one product to the next.
  /// Else a product makes its own in scratch, and copies that were kept are given back.
  virtual void keep_packed(bool) {}
  /// Bytes that the kept copies of this weight take (forward and backward use together), 0 if there are none.
  virtual size_t packed_bytes(const Weight&) const { return 0; }

  /// For models that only encode: what takes the place of weight.compute in `linear`, for these views of it, which are all
  /// that is asked for. Null where compute is to stay as it is.
  virtual std::unique_ptr<PackedWeight> pack(const Weight&, const std::vector<WeightView>&) { return nullptr; }
  /// The values as compute had them, in its shape and type.
  virtual void unpack(const PackedWeight&, const Tensor&) {}
  /// The largest magnitude that the numbers of a weight of i8 may have, where computes(DType::i8).
  virtual int int8_levels() const { return 127; }
  /// As pack(), with zeros, for a weight [O,I] whose values come in rows; null where it must be whole before it is packed.
  virtual std::unique_ptr<PackedWeight> packed_zeros(const Weight&, const std::vector<WeightView>&) { return nullptr; }
  /// Whether these rows of what packed_zeros() gave can be written by themselves.
  virtual bool writes_rows(const PackedWeight&, int64_t /*first*/, int64_t /*count*/) const { return false; }
  /// Takes them from f32 and gives each row of a weight of i8 its own of `scales` f32 [1,O]. Whether all of them were there.
  virtual bool write_rows(PackedWeight&, int64_t /*first*/, int64_t /*count*/, const Tensor& /*scales*/, const Source&) { return false; }
  /// What upload_from() rounds to on the way.
  virtual bool uploads_as(DType type) const { return type == DType::f32; }

 protected:
  Collectives& collectives() { return collectives_; }
  /// What calls were counted since the last time, for devices with clocks of their own.
  std::unique_ptr<Meter> take_counts();

 private:
  std::shared_ptr<Group> group_ = solo_group();
  Collectives collectives_{*group_};
  std::unique_ptr<Meter> meter_;  // while a profile is on
};

/// name: "cpu", "reference", "cuda" or "cuda:N". threads 0: as many as the machine has.
/// Must be called, and the backend used, on the thread that owns the session: the OpenMP team belongs to it.
std::unique_ptr<Backend> make_backend(const std::string& name, int threads);

}  // namespace cw
