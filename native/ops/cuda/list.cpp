// The list of commands that a backend's calls make, and the sending of it.
#include <algorithm>
#include <cstring>

#include "ops/cuda/backend_parts.h"

namespace cw {
namespace {

constexpr size_t kTables = 8;

#define CW_NAME(name, Struct) \
  constexpr const char* name_of(const Struct&) { return #name; }
CW_FOR_EACH_OP(CW_NAME)
#undef CW_NAME

}  // namespace

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
  if constexpr (requires { through_host(op); }) return between_ranks(op, name_of(op));
  else guarded([&] {
    auto kept = std::make_shared<Kept<Op>>(Kept<Op>{.op = op, .scratch_data = scratch_data_, .scratch_bytes = scratch_bytes_});
    Key key;
    key.add(std::string_view(name_of(op)));
    if constexpr (requires { op.w.weight; }) {
      kept->weight = *op.w.weight;
      kept->weight.version = 0;  // graphs read the weight where it lies: its values are no part of the key
      kept->op.w.weight = nullptr;
      key.add(kept->weight);
    }
    if constexpr (requires { op.segments; }) {
      kept->table = keep(op.segments);
      kept->op.segments.items = kept->table->host.data();
      kept->op.segments.version = 0;
    }
    key.add(kept->op);
    key.add(scratch_data_);
    key.add(scratch_bytes_);
    if constexpr (requires { op.w.weight; }) kept->op.w.weight = &kept->weight;
    commands_.add(name_of(op), key, [this, kept] {
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
    commands_.send(stream(), profile_);
  } catch (...) {
    set_scratch(data, bytes);
    throw;
  }
  set_scratch(data, bytes);
  if (uploads) staging_->turn(stream());
}

/// NCCL's work is put on the stream behind the list, and is part of no graph: whether it is captured must be the same on all
/// ranks, and whether a list has come before is each rank's own matter.
template <class Op>
void CudaBackend::between_ranks(const Op& op, const char* name) {
  if (!communicator_) return through_host(op);
  guarded([&] {
    send();
    if (!profile_.on()) return execute(op);
    const auto span = profile_.span(stream(), name);
    execute(op);
  });
}

#define CW_INSTANTIATE(name, Struct) template void CudaBackend::queue(const Struct&);
CW_FOR_EACH_OP(CW_INSTANTIATE)
#undef CW_INSTANTIATE

}  // namespace cw
