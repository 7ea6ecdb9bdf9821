#include "ops/cuda/backend.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "ops/cuda/cuda.h"
#include "ops/cuda/products.h"

namespace cw {
namespace {

constexpr size_t kLanding = size_t{4} << 20;
constexpr size_t kTables = 8;

size_t row_bytes(const Tensor& t) { return static_cast<size_t>(t.cols) * size_of(t.dtype); }
size_t stride_bytes(const Tensor& t) { return static_cast<size_t>(t.stride) * size_of(t.dtype); }

/// Its bytes without those of padding.
template <class T>
void append(std::string& key, T value) {
  __builtin_clear_padding(&value);
  key.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  CW_CUDA(cudaDeviceGetAttribute(&value, which, device));
  return value;
}

void require_card(int index) {
  int count = 0;
  if (const cudaError_t e = cudaGetDeviceCount(&count); e != cudaSuccess)
    throw Error(Code::no_cuda, std::string("device 'cuda' was asked for, but the CUDA driver finds no usable card: ") +
                                   cudaGetErrorString(e) + "; see nvidia-smi, or use 'cpu'");
  const std::string name = "cuda:" + std::to_string(index);
  if (index < 0 || index >= count)
    throw Error(Code::no_cuda, "device '" + name + "' was asked for, but this machine has " + std::to_string(count) +
                                   (count == 1 ? " CUDA card" : " CUDA cards") + ", the first of which is 'cuda:0'");
  const int major = attribute(cudaDevAttrComputeCapabilityMajor, index);
  if (major < kLeastMajor)
    throw Error(Code::no_cuda, "expected a card of compute capability 8.0 (Ampere) or newer, but '" + name + "' has " +
                                   std::to_string(major) + "." +
                                   std::to_string(attribute(cudaDevAttrComputeCapabilityMinor, index)) + "; use 'cpu'");
}

}  // namespace

class CudaBuffer final : public Buffer {
 public:
  CudaBuffer(CudaBackend& backend, void* data, size_t bytes) : backend_(backend) {
    data_ = data;
    bytes_ = bytes;
  }
  ~CudaBuffer() override { backend_.free_memory(data_); }

 private:
  CudaBackend& backend_;
};

// ---- life and death ------------------------------------------------------------------------------------------------

CudaBackend::CudaBackend(int index) : index_(index) {
  require_card(index);
  CW_CUDA(cudaSetDevice(index));
  multiprocessors_ = attribute(cudaDevAttrMultiProcessorCount, index);
  if (attribute(cudaDevAttrMemoryPoolsSupported, index) != 0) CW_CUDA(cudaDeviceGetDefaultMemPool(&pool_, index));
  stream_ = make_stream();
  staging_ = std::make_unique<Staging>(index, waiter_);
  landing_ = make_pinned(kLanding);
  products_ = std::make_unique<Products>();
}

CudaBackend::~CudaBackend() {
  cudaSetDevice(index_);
  if (broken_.empty() && Waiter::done_in_time(stream()) && Waiter::done_in_time(staging_->stream())) return;
  stream_.abandon();
  staging_->abandon();
  landing_.abandon();
  arrivals_.abandon();
  commands_.abandon();
}

void CudaBackend::enter() const {
  if (!broken_.empty()) throw Error(Code::device, "[" + name() + "] was closed by an earlier error: " + broken_);
  CW_CUDA(cudaSetDevice(index_));
}

template <class Body>
void CudaBackend::guarded(Body&& body) {
  enter();
  try {
    body();
  } catch (const Error& e) {
    if (e.code == Code::device) broken_ = e.what();
    throw;
  }
}

// ---- memory --------------------------------------------------------------------------------------------------------

std::unique_ptr<Buffer> CudaBackend::allocate(size_t bytes) {
  void* data = nullptr;
  guarded([&] {
    const size_t taken = std::max<size_t>(bytes, 1);
    const auto take = [&] { return pool_ ? cudaMallocAsync(&data, taken, stream()) : cudaMalloc(&data, taken); };
    cudaError_t e = take();
    if (e == cudaErrorMemoryAllocation) {
      cudaGetLastError();  // not a sticky one
      reclaim();
      e = take();
    }
    if (e == cudaErrorMemoryAllocation) throw_out_of_memory(bytes, index_);
    check(e, pool_ ? "cudaMallocAsync" : "cudaMalloc");
    CW_CUDA(cudaMemsetAsync(data, 0, taken, stream()));
  });
  return std::make_unique<CudaBuffer>(*this, data, bytes);
}

void CudaBackend::free_memory(void* data) noexcept {
  if (!broken_.empty()) return;  // nothing can be given back to a lost device
  try {
    send();  // commands may still name this memory
    check(pool_ ? cudaFreeAsync(data, stream()) : cudaFree(data), "freeing device memory");
  } catch (const std::exception&) {
    // The next call says what is wrong.
  }
}

void CudaBackend::reclaim() const {
  if (!pool_) return;
  waiter_.wait(stream());
  CW_CUDA(cudaMemPoolTrimTo(pool_, 0));
}

size_t CudaBackend::available_bytes() const {
  enter();
  reclaim();
  size_t free = 0, total = 0;
  CW_CUDA(cudaMemGetInfo(&free, &total));
  return free;
}

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
  std::string key = "upload";
  append(key, staged);
  append(key, to);
  commands_.add(key, [this, staged, to] {
    CW_CUDA(cudaMemcpy2DAsync(to.data, to.rows > 1 ? stride_bytes(to) : row_bytes(to), staged, row_bytes(to), row_bytes(to),
                              static_cast<size_t>(to.rows), cudaMemcpyDeviceToDevice, stream()));
  });
}

void CudaBackend::download(void* to, const Tensor& from) {
  guarded([&] {
    send();
    if (from.rows == 0 || from.cols == 0) return;
    auto* out = static_cast<std::byte*>(to);
    const size_t row = row_bytes(from), stride = from.rows > 1 ? stride_bytes(from) : row;
    // Pieces of whole rows, or of one long row.
    const size_t width = std::min(row, kLanding);
    const auto height = static_cast<int64_t>(kLanding / width);
    for (int64_t r = 0; r < from.rows; r += height)
      for (size_t c = 0; c < row; c += width) {
        const size_t w = std::min(width, row - c), h = static_cast<size_t>(std::min(height, from.rows - r));
        CW_CUDA(cudaMemcpy2DAsync(landing_.get(), w, from.as<std::byte>() + static_cast<size_t>(r) * stride + c, stride, w, h,
                                  cudaMemcpyDeviceToHost, stream()));
        waiter_.wait(stream());
        const auto* landed = static_cast<const std::byte*>(landing_.get());
        for (size_t i = 0; i < h; ++i) std::memcpy(out + (static_cast<size_t>(r) + i) * row + c, landed + i * w, w);
      }
  });
}

class CudaArrival final : public Arrival {
 public:
  CudaArrival(CudaBackend& backend, std::shared_ptr<const Arrivals::Place> place)
      : backend_(backend), place_(std::move(place)) {}
  std::vector<float> wait() override {
    backend_.guarded([&] { backend_.waiter_.wait(place_->arrived.get()); });
    const auto* values = static_cast<const float*>(place_->host.get());
    return {values, values + place_->count};
  }

 private:
  CudaBackend& backend_;
  std::shared_ptr<const Arrivals::Place> place_;
};

std::unique_ptr<Arrival> CudaBackend::fetch(const std::vector<Tensor>& from) {
  std::unique_ptr<Arrival> arrival;
  guarded([&] {
    send();
    arrival = std::make_unique<CudaArrival>(*this, arrivals_.begin(from, stream()));
  });
  return arrival;
}

void CudaBackend::synchronize() {
  guarded([&] {
    send();
    waiter_.wait(stream());
  });
}

// ---- the list ------------------------------------------------------------------------------------------------------

void CudaBackend::set_scratch(void* data, size_t bytes) {
  scratch_data_ = data;
  scratch_bytes_ = bytes;
}

/// A table of segments, kept on both sides as long as a command or a graph names it.
struct CudaBackend::SegmentTable {
  std::vector<Segment> host;
  std::unique_ptr<Buffer> device;
};

std::shared_ptr<CudaBackend::SegmentTable> CudaBackend::keep(const Segments& segments) {
  // By content: versions of different optimizers may agree, and comparing some hundred segments costs nothing.
  const auto bytes = static_cast<size_t>(segments.count) * sizeof(Segment);
  const auto same = [&](const auto& t) {
    return t->host.size() * sizeof(Segment) == bytes && (bytes == 0 || std::memcmp(t->host.data(), segments.items, bytes) == 0);
  };
  if (const auto found = std::find_if(tables_.begin(), tables_.end(), same); found != tables_.end()) {
    std::rotate(tables_.begin(), found, found + 1);
    return tables_.front();
  }
  auto table = std::make_shared<SegmentTable>();
  table->host.assign(segments.items, segments.items + segments.count);
  table->device = allocate(bytes);
  // Host memory that is not pinned is read before the call returns.
  if (bytes) CW_CUDA(cudaMemcpyAsync(table->device->data(), table->host.data(), bytes, cudaMemcpyHostToDevice, stream()));
  tables_.insert(tables_.begin(), table);
  if (tables_.size() > kTables) tables_.pop_back();
  return table;
}

const Segment* CudaBackend::on_device(const Segments& segments) const {
  for (const auto& t : tables_)
    if (t->host.data() == segments.items) return static_cast<const Segment*>(t->device->data());
  throw Error(Code::device, "[cuda] a table of segments was dropped while a command needed it");
}

/// An op that outlives its call: what it points to on the host is kept beside it.
template <class Op>
struct CudaBackend::Kept {
  Op op;
  Weight weight{};
  std::shared_ptr<SegmentTable> table;
  void* scratch_data;
  size_t scratch_bytes;
};

template <class Op>
void CudaBackend::queue(const Op& op) {
  guarded([&] {
    auto kept = std::make_shared<Kept<Op>>(Kept<Op>{.op = op, .scratch_data = scratch_data_, .scratch_bytes = scratch_bytes_});
    std::string key(__PRETTY_FUNCTION__);
    if constexpr (requires { op.w.weight; }) {
      kept->weight = *op.w.weight;
      kept->weight.version = 0;  // graphs read the weight where it lies: its values are no part of the key
      kept->op.w.weight = nullptr;
      append(key, kept->weight);
    }
    if constexpr (requires { op.segments; }) {
      kept->table = keep(op.segments);
      kept->op.segments.items = kept->table->host.data();
      kept->op.segments.version = 0;
    }
    append(key, kept->op);
    append(key, scratch_data_);
    append(key, scratch_bytes_);
    if constexpr (requires { op.w.weight; }) kept->op.w.weight = &kept->weight;
    commands_.add(key, [this, kept] {
      scratch_data_ = kept->scratch_data;
      scratch_bytes_ = kept->scratch_bytes;
      execute(kept->op);
    });
  });
}

void CudaBackend::send() {
  if (commands_.empty()) return;
  const auto data = scratch_data_;
  const auto bytes = scratch_bytes_;
  const bool uploads = staging_->in_use();
  if (uploads) staging_->before_reading(stream());
  try {
    commands_.send(stream());
  } catch (...) {
    set_scratch(data, bytes);
    throw;
  }
  set_scratch(data, bytes);
  if (uploads) staging_->turn(stream());
}

#define CW_INSTANTIATE(name, Struct) template void CudaBackend::queue(const Struct&);
CW_FOR_EACH_OP(CW_INSTANTIATE)
#undef CW_INSTANTIATE

#ifdef CW_CUDA_EMULATED
std::unique_ptr<Backend> make_cuda_backend(int index) { return std::make_unique<CudaBackend>(index); }
#endif

}  // namespace cw
