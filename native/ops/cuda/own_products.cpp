#include "ops/cuda/own_products.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

namespace cw {
namespace {

constexpr const char* kFile = "own-products.txt";
constexpr const char* kRevision = "own1";  // of the kernel: a new one is tried anew
constexpr const char* kAll = "all";        // in the place of a shape
constexpr const char *kTaken = "taken", *kRefused = "refused", *kFailed = "failed", *kTrying = "trying";
constexpr size_t kFound = 0, kFailure = 4, kWords = 8;

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  CW_CUDA(cudaDeviceGetAttribute(&value, which, device));
  return value;
}

/// Of a few runs, in ms.
float median(cudaStream_t stream, const Waiter& waiter, const std::function<void()>& run) {
  constexpr size_t kRepeats = 5;
  std::array<OwnedEvent, kRepeats + 1> events;
  for (OwnedEvent& event : events) event = make_timed_event();
  run();
  CW_CUDA(cudaEventRecord(events[0].get(), stream));
  for (size_t i = 1; i <= kRepeats; ++i) {
    run();
    CW_CUDA(cudaEventRecord(events[i].get(), stream));
  }
  waiter.wait(events[kRepeats].get());
  std::array<float, kRepeats> ms;
  for (size_t i = 0; i < kRepeats; ++i) CW_CUDA(cudaEventElapsedTime(&ms[i], events[i].get(), events[i + 1].get()));
  std::nth_element(ms.begin(), ms.begin() + kRepeats / 2, ms.end());
  return ms[kRepeats / 2];
}

}  // namespace

std::unique_ptr<OwnProducts> OwnProducts::make(int device, const std::string& card, size_t version, const Waiter& waiter) {
  const char* asked = std::getenv("CLIPWRIGHT_OWN_PRODUCTS");
  const std::string_view how = asked ? asked : "";
  if (how != "1" && how != "always") return nullptr;
  // Its instructions are those of 9.0 alone.
  if (attribute(cudaDevAttrComputeCapabilityMajor, device) != 9) return nullptr;
  if (attribute(cudaDevAttrComputeCapabilityMinor, device) != 0) return nullptr;
  if (static_cast<size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device)) < kOwnProductShared) return nullptr;
  return std::unique_ptr<OwnProducts>(new OwnProducts(device, card, version, waiter, how == "always"));
}

OwnProducts::OwnProducts(int device, const std::string& card, size_t version, const Waiter& waiter, bool always)
    : waiter_(waiter),
      owner_(card + "\t" + std::to_string(version) + "-" + kRevision + "\t"),
      words_(make_device_memory(kWords * sizeof(unsigned), device)),
      host_(make_pinned(kWords * sizeof(unsigned))),
      failure_{static_cast<unsigned*>(words_.get()) + kFailure, static_cast<unsigned*>(host_.get()) + kFailure},
      always_(always) {
  *failure_.on_host = 0;
  for (const auto& [key, rest] : read_product_lines(product_file(kFile)))
    if (key.starts_with(owner_)) verdicts_.emplace(key.substr(owner_.size()), rest);
}

void OwnProducts::keep(const std::string& what, const char* verdict) {
  verdicts_.insert_or_assign(what, verdict);
  keep_product_line(product_file(kFile), owner_ + what, verdict);
}

std::optional<bool> OwnProducts::known(const ProductShape& shape) const {
  if (failed() || verdicts_.contains(kAll)) return false;
  if (always_) return true;
  const auto found = verdicts_.find(shape.key());
  if (found == verdicts_.end()) return std::nullopt;
  return found->second == kTaken;  // a process that ended while it tried left its line
}

void OwnProducts::run(cudaStream_t stream, const OwnProduct& product) {
  if (!ready_) CW_CUDA(cudaMemsetAsync(words_.get(), 0, kWords * sizeof(unsigned), stream));
  ready_ = true;
  own_product(stream, product, failure_);
}

bool OwnProducts::tried(cudaStream_t stream, const ProductShape& shape, const OwnProduct& product, void* spare,
                        const std::function<void(void* to)>& other) {
  keep(shape.key(), kTrying);
  const bool taken = tried_kernel(stream, product, spare, other);
  keep(shape.key(), taken ? kTaken : failed() ? kFailed : kRefused);
  if (failed()) keep(kAll, kFailed);
  return taken;
}

bool OwnProducts::tried_kernel(cudaStream_t stream, const OwnProduct& product, void* spare,
                               const std::function<void(void* to)>& other) {
  OwnProduct aside = product;
  aside.c.data = spare;
  run(stream, aside);  // first: where c is added to, it is another one afterwards
  waiter_.wait(stream);
  other(product.c.data);
  if (failed()) return false;
  auto* found = static_cast<int*>(words_.get()) + kFound;
  auto* here = static_cast<int*>(host_.get()) + kFound;
  count_disagreements(stream, product.c, aside.c, found);
  CW_CUDA(cudaMemcpyAsync(here, found, 2 * sizeof(int), cudaMemcpyDeviceToHost, stream));
  waiter_.wait(stream);
  if (here[1] != 0) return false;
  const float theirs = median(stream, waiter_, [&] { other(spare); });
  const float ours = median(stream, waiter_, [&] { run(stream, aside); });
  return !failed() && ours <= theirs;
}

void OwnProducts::check() {
  if (!failed() || verdicts_.contains(kAll)) return;
  keep(kAll, kFailed);
  throw Error(Code::device, "[cuda] a product of clipwright's own did not end, and what was computed since is not to be "
                            "trusted. It will not be taken again on this card; leave CLIPWRIGHT_OWN_PRODUCTS away and go on from the "
                            "last checkpoint");
}

}  // namespace cw
