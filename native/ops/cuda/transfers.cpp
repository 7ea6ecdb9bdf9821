// Values to and from a card.
#include <algorithm>
#include <cstring>
#include <utility>

#include "ops/cuda/backend_parts.h"
#include "ops/cuda/communicator.h"
#include "ops/cuda/products.h"
#include "ops/meter.h"

namespace cw {
namespace {

size_t row_bytes(const Tensor& t) { return static_cast<size_t>(t.cols) * size_of(t.dtype); }
size_t stride_bytes(const Tensor& t) { return static_cast<size_t>(t.stride) * size_of(t.dtype); }

}  // namespace

void CudaBackend::upload(const Tensor& to, const void* from) {
  if (to.rows == 0 || to.cols == 0) return;
  guarded([&] {
    const auto* bytes = static_cast<const std::byte*>(from);
    if (row_bytes(to) > Staging::kLargest) throw Error(Code::unsupported, "[cuda] a row of an upload is larger than 1 GiB");
    const auto rows = static_cast<int64_t>(Staging::kLargest / row_bytes(to));
    for (int64_t r = 0; r < to.rows; r += rows)
      upload_piece(to.row_range(r, std::min(rows, to.rows - r)), bytes + static_cast<size_t>(r) * row_bytes(to));
  });
}

void CudaBackend::upload_piece(const Tensor& to, const void* from) {
  const size_t bytes = static_cast<size_t>(to.rows) * row_bytes(to);
  if (!staging_->fits(bytes)) {
    send();
    staging_->reserve(bytes);
  }
  void* staged = staging_->put(from, bytes);
  Key key;
  key.add(std::string_view("upload"));
  key.add(staged);
  key.add(to);
  commands_.add("upload", key, [this, staged, to] {
    CW_CUDA(cudaMemcpy2DAsync(to.data, to.rows > 1 ? stride_bytes(to) : row_bytes(to), staged, row_bytes(to), row_bytes(to),
                              static_cast<size_t>(to.rows), cudaMemcpyDeviceToDevice, stream()));
  });
}

void CudaBackend::download(void* to, const Tensor& from) {
  guarded([&] {
    send();
    staging_->take_laps();  // of no step
    if (from.rows == 0 || from.cols == 0) return;
    auto* out = static_cast<std::byte*>(to);
    const size_t row = row_bytes(from), stride = from.rows > 1 ? stride_bytes(from) : row;
    // Pieces of whole rows, or of one long row.
    const size_t width = std::min(row, kLanding);
    const auto height = static_cast<int64_t>(kLanding / width);
    for (int64_t r = 0; r < from.rows; r += height)
      for (size_t c = 0; c < row; c += width) {
        const size_t w = std::min(width, row - c), h = static_cast<size_t>(std::min(height, from.rows - r));
        const size_t pitch = h > 1 ? stride : w;  // CUDA takes none from 2 GiB on, which a single row may have
        CW_CUDA(cudaMemcpy2DAsync(landing_.get(), w, from.as<std::byte>() + static_cast<size_t>(r) * stride + c, pitch, w, h,
                                  cudaMemcpyDeviceToHost, stream()));
        waiter_.wait(stream());
        const auto* landed = static_cast<const std::byte*>(landing_.get());
        for (size_t i = 0; i < h; ++i) std::memcpy(out + (static_cast<size_t>(r) + i) * row + c, landed + i * w, w);
      }
    products_->check_own();
  });
}

class CudaArrival final : public Arrival {
 public:
  CudaArrival(CudaBackend& backend, std::shared_ptr<const Arrivals::Place> place, Stopwatch::Laps laps)
      : backend_(backend), place_(std::move(place)), laps_(std::move(laps)) {}
  /// What waits for a rank that has gone is told so by wait().
  bool ready() const override {
    return Waiter::is_done(place_->arrived.get(), backend_.index_) || (backend_.communicator_ && backend_.communicator_->over());
  }
  std::vector<float> wait() override {
    backend_.guarded([&] {
      backend_.waiter_.wait(place_->arrived.get());
      backend_.products_->check_own();
    });
    const auto* values = static_cast<const float*>(place_->host.get());
    return {values, values + place_->count};
  }
  std::optional<double> device_ms() const override {
    double ms = 0;
    backend_.guarded([&] { ms = Stopwatch::milliseconds(laps_); });
    return ms;
  }

 private:
  CudaBackend& backend_;
  std::shared_ptr<const Arrivals::Place> place_;
  Stopwatch::Laps laps_;
};

std::unique_ptr<Arrival> CudaBackend::fetch(const std::vector<Tensor>& from) {
  std::unique_ptr<Arrival> arrival;
  guarded([&] {
    send();
    arrival = std::make_unique<CudaArrival>(*this, arrivals_.begin(from, stream()), staging_->take_laps());
  });
  return arrival;
}

void CudaBackend::flush() {
  guarded([&] { send(); });
}

void CudaBackend::synchronize() {
  guarded([&] {
    send();
    staging_->take_laps();
    waiter_.wait(stream());
    products_->check_own();
  });
}

std::vector<OpTime> CudaBackend::op_times() {
  synchronize();
  std::vector<OpTime> times = profile_.take();
  const auto counts = take_counts();
  for (const Meter::Sum& s : counts->sums())
    for (OpTime& t : times)
      if (t.name == s.name) {
        t.flops = s.cost.flops;
        t.bytes = s.cost.bytes;
      }
  return times;
}

}  // namespace cw
