// Collectives: by NCCL, behind the list on the stream; without it over host memory, down and up in between. Either way they end
// the list before them and are part of no graph; what comes before and after them still is.
#include <vector>

#include "ops/cuda/backend_parts.h"
#include "ops/cuda/communicator.h"

namespace cw {
namespace {

template <class T = float>
std::vector<T> room(int64_t count) {
  return std::vector<T>(static_cast<size_t>(count));
}

}  // namespace

void CudaBackend::set_group(std::shared_ptr<Group> group) {
  Backend::set_group(group);
  enter();
  communicator_ = Communicator::join(group);
  if (!communicator_) return;
  waiter_.set_watch([this] { communicator_->check(); });
  // Other ranks' cards wait for this one: what fails here while its rank waits for theirs would keep all of them waiting.
  group->set_watch([this] {
    communicator_->check();
    if (const cudaError_t e = cudaStreamQuery(stream()); e != cudaErrorNotReady) check(e, "cudaStreamQuery");
  });
}

std::string CudaBackend::way_between_ranks() const {
  return communicator_ ? communicator_->name() : Backend::way_between_ranks();
}

void CudaBackend::execute(const AllGather& a) {
  const auto row_words = a.y.cols * static_cast<int64_t>(size_of(a.y.dtype)) / 4;
  communicator_->all_gather(a.x.data, a.y.data, a.y.rows, row_words, stream());
}

void CudaBackend::execute(const ReduceScatter& a) {
  communicator_->reduce_scatter(a.x.as<float>(), a.y.as<float>(), a.x.rows, a.x.cols, stream());
}

void CudaBackend::execute(const AllReduce& a) { communicator_->all_reduce(a.x.as<float>(), a.x.cols, nccl::sum, stream()); }

void CudaBackend::execute(const Broadcast& a) { communicator_->broadcast(a.x.as<float>(), a.x.cols, stream()); }

void CudaBackend::through_host(const AllGather& a) {
  const size_t row = static_cast<size_t>(a.y.cols) * size_of(a.y.dtype);
  auto mine = room<std::byte>(a.x.rows * static_cast<int64_t>(row)), all = room<std::byte>(a.y.rows * static_cast<int64_t>(row));
  download(mine.data(), a.x);
  collectives().all_gather(mine.data(), all.data(), a.y.rows, row);
  upload(a.y, all.data());
}

void CudaBackend::through_host(const ReduceScatter& a) {
  auto mine = room(a.x.count()), own = room(a.y.count());
  download(mine.data(), a.x);
  collectives().reduce_scatter(mine.data(), own.data(), a.x.rows, a.x.cols);
  upload(a.y, own.data());
}

void CudaBackend::through_host(const AllReduce& a) {
  for_values(a.x, [&](float* x, int64_t count) { collectives().all_reduce(x, count); });
}

void CudaBackend::through_host(const MergeLse& a) {
  for_values(a.x, [&](float* x, int64_t count) { collectives().merge_lse(x, count); });
}

void CudaBackend::through_host(const Broadcast& a) {
  for_values(a.x, [&](float* x, int64_t count) { collectives().broadcast(x, count); });
}

/// In pieces that an upload stages at once.
template <class Body>
void CudaBackend::for_values(const Tensor& x, Body&& body) {
  constexpr int64_t kPiece = int64_t{4} << 20;
  auto values = room(std::min(kPiece, x.cols));
  for (int64_t from = 0; from < x.cols; from += kPiece) {
    const Tensor piece = x.col_range(from, std::min(kPiece, x.cols - from));
    download(values.data(), piece);
    body(values.data(), piece.cols);
    upload(piece, values.data());
  }
}

}  // namespace cw
