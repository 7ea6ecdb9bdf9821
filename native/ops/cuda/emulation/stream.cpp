// Streams, events and graphs. A stream is a queue of closures; nothing runs before somebody waits for it.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "ops/cuda/emulation/block.h"
#include "ops/cuda/emulation/device_memory.h"
#include "ops/cuda/emulation/poll.h"
#include "ops/cuda/emulation/state.h"

namespace cw::emulation {

using Work = std::function<void()>;

struct Graph {
  std::vector<Work> nodes;
};
struct Executable {
  std::shared_ptr<const Graph> graph;
};

struct Queue {
  int device = 0;
  std::thread::id owner;  // a session's streams are used by its own thread, and only there
  std::deque<Work> waiting;
  uint64_t queued = 0, done = 0;
  bool again = false;  // what ran last is not done

  /// False where something on the way there waits for other processes.
  bool run_to(uint64_t ticket) {
    while (done < ticket && !waiting.empty()) {
      Work work = std::move(waiting.front());
      waiting.pop_front();
      ++done;  // before the work, which may come back here
      again = false;
      work();
      if (!again) continue;
      again = false;
      --done;
      waiting.push_front(std::move(work));
      return false;
    }
    return true;
  }
  void wait_to(uint64_t ticket) {
    while (!run_to(ticket)) std::this_thread::yield();
  }
};

struct Stream {
  std::shared_ptr<Queue> queue = std::make_shared<Queue>();
  std::unique_ptr<Graph> capture;
};

struct Event {
  std::shared_ptr<Queue> queue;  // of its last record
  uint64_t ticket = 0;
  const Graph* capture = nullptr;
  bool timed = false;
  std::shared_ptr<double> time;  // of its last record, where it is timed
};

namespace {

/// All that live, whoever made them. Never destroyed: sessions may end after static objects do.
struct Queues {
  std::mutex mutex;
  std::set<std::shared_ptr<Queue>> all;
  std::set<const void*> handles;  // streams and events: those of a lost device are never destroyed, which is no leak
};
Queues& queues() {
  static Queues& q = *new Queues;
  return q;
}

cudaError_t put(cudaStream_t stream, Work work) {
  if (!stream || stream->queue->device != current_device()) return cudaErrorInvalidResourceHandle;
  if (const cudaError_t e = sticky()) return e;
  if (stream->capture) {
    stream->capture->nodes.push_back(std::move(work));
    return cudaSuccess;
  }
  stream->queue->waiting.push_back([work = std::move(work)] {
    if (sticky() == cudaSuccess) work();
  });
  ++stream->queue->queued;
  return cudaSuccess;
}

thread_local int64_t launched_graphs = 0;
thread_local int captured_streams = 0;

void copy_rows(std::byte* to, size_t to_pitch, const std::byte* from, size_t from_pitch, size_t width, size_t height) {
  for (size_t r = 0; r < height; ++r) std::memcpy(to + r * to_pitch, from + r * from_pitch, width);
}

}  // namespace

int64_t graph_launches() { return launched_graphs; }
bool captures() { return captured_streams > 0; }

/// A call that waits for the current card and has no way out.
void wait_for_device() {
  if (hangs()) std::abort();
}

void finish_device() {
  wait_for_device();
  std::vector<std::shared_ptr<Queue>> mine;
  {
    const std::lock_guard lock(queues().mutex);
    for (const auto& queue : queues().all)
      if (queue->device == current_device() && queue->owner == std::this_thread::get_id()) mine.push_back(queue);
  }
  for (const auto& queue : mine) queue->wait_to(queue->queued);
}

cudaError_t launch_on(cudaStream_t stream, Launch launch, Work body) {
  const dim3 &g = launch.grid, &b = launch.block;
  const uint64_t threads = uint64_t{b.x} * b.y * b.z;
  const bool fits = g.x >= 1 && g.x <= 0x7fffffffu && g.y >= 1 && g.y <= 65535 && g.z >= 1 && g.z <= 65535 &&
                    threads >= 1 && threads <= 1024 && b.x <= 1024 && b.y <= 1024 && b.z <= 64 &&
                    launch.shared_bytes <= shared_memory_of_block();
  if (!fits) return cudaErrorInvalidConfiguration;
  return put(stream, [launch = std::move(launch), body = std::move(body), device = current_device()] {
    constexpr double kLaunchMs = 1e-3;
    pass_time(kLaunchMs);
    std::string wrong = run_grid(launch, body);
    if (wrong.empty())
      if (const std::string where = damage(); !where.empty()) wrong = "kernel " + launch.name + ": " + where;
    if (!wrong.empty()) break_device(device, wrong);
  });
}

cudaError_t poll_on(cudaStream_t stream, bool (*done)(void*), void* data) {
  if (stream->capture) return cudaErrorStreamCaptureUnsupported;
  return put(stream, [=, queue = stream->queue.get()] {
    if (!done(data)) queue->again = true;
  });
}

}  // namespace cw::emulation

using namespace cw::emulation;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new Stream;
  (*stream)->queue->device = current_device();
  (*stream)->queue->owner = std::this_thread::get_id();
  const std::lock_guard lock(queues().mutex);
  queues().all.insert((*stream)->queue);
  queues().handles.insert(*stream);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  wait_for_device();
  stream->queue->wait_to(stream->queue->queued);
  const std::lock_guard lock(queues().mutex);
  queues().all.erase(stream->queue);
  queues().handles.erase(stream);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  wait_for_device();
  if (captures()) return cudaErrorStreamCaptureUnsupported;
  stream->queue->wait_to(stream->queue->queued);
  return sticky();
}

// A card that hangs has still done what it had done before.
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  if (captures()) return cudaErrorStreamCaptureUnsupported;
  if (!hangs()) return stream->queue->run_to(stream->queue->queued) ? sticky() : cudaErrorNotReady;
  return stream->queue->waiting.empty() ? sticky() : cudaErrorNotReady;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (stream->capture && event->capture != stream->capture.get()) return cudaErrorStreamCaptureIsolation;
  if (!event->queue) return cudaSuccess;  // never recorded
  return put(stream, [queue = event->queue, ticket = event->ticket, own = stream->queue] {
    if (!queue->run_to(ticket)) own->again = true;
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  *event = new Event;
  (*event)->timed = !(flags & cudaEventDisableTiming);
  const std::lock_guard lock(queues().mutex);
  queues().handles.insert(*event);
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const std::lock_guard lock(queues().mutex);
  queues().handles.erase(event);
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (const cudaError_t e = sticky()) return e;
  event->capture = stream->capture.get();
  event->queue = stream->queue;
  if (event->timed && !stream->capture) {
    event->time = std::make_shared<double>();
    put(stream, [time = event->time] { *time = device_time(); });
  }
  event->ticket = stream->queue->queued;
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  wait_for_device();
  if (captures()) return cudaErrorStreamCaptureUnsupported;
  if (event->queue) event->queue->wait_to(event->ticket);
  return sticky();
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (captures()) return cudaErrorStreamCaptureUnsupported;
  if (!hangs()) return !event->queue || event->queue->run_to(event->ticket) ? sticky() : cudaErrorNotReady;
  return event->queue && event->queue->done < event->ticket ? cudaErrorNotReady : sticky();
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end) {
  if (!begin->time || !end->time) return cudaErrorInvalidResourceHandle;
  for (const cudaEvent_t event : {begin, end})
    if (event->queue->done < event->ticket) return cudaErrorNotReady;
  *ms = static_cast<float>(*end->time - *begin->time);
  return cudaSuccess;
}

cudaError_t cudaFreeAsync(void* data, cudaStream_t stream) {
  return put(stream, [data] { cudaFree(data); });
}

namespace {

cudaError_t copy_on(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width, size_t height,
                    cudaMemcpyKind kind, cudaStream_t stream) {
  if (width == 0 || height == 0) return cudaSuccess;
  if (width > to_pitch || width > from_pitch) return cudaErrorInvalidValue;
  const auto span = [&](size_t pitch) { return (height - 1) * pitch + width; };
  const bool to_device = kind != cudaMemcpyDeviceToHost, from_device = kind != cudaMemcpyHostToDevice;
  if (to_device ? !on_device(to, span(to_pitch)) : side_of(to) == Side::device) return cudaErrorInvalidValue;
  if (from_device ? !on_device(from, span(from_pitch)) : side_of(from) == Side::device) return cudaErrorInvalidValue;
  auto* target = static_cast<std::byte*>(to);
  const auto* source = static_cast<const std::byte*>(from);
  if (!from_device && side_of(from) == Side::pageable) {
    // Pageable memory is read before the call returns.
    if (stream->capture) return cudaErrorStreamCaptureUnsupported;
    auto kept = std::make_shared<std::vector<std::byte>>(width * height);
    copy_rows(kept->data(), width, source, from_pitch, width, height);
    return put(stream, [=] { copy_rows(target, to_pitch, kept->data(), width, width, height); });
  }
  const cudaError_t e = put(stream, [=] { copy_rows(target, to_pitch, source, from_pitch, width, height); });
  if (e == cudaSuccess && !to_device && side_of(to) == Side::pageable) return cudaStreamSynchronize(stream);
  return e;
}

}  // namespace

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return copy_on(to, bytes, from, bytes, bytes, 1, kind, stream);
}

cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width, size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  constexpr size_t kMostPitch = 0x7fffffff;  // cudaDevAttrMaxPitch of every card
  if (to_pitch > kMostPitch || from_pitch > kMostPitch) return cudaErrorInvalidValue;
  return copy_on(to, to_pitch, from, from_pitch, width, height, kind, stream);
}

cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (!on_device(data, bytes)) return cudaErrorInvalidValue;
  return put(stream, [=] { std::memset(data, value, bytes); });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream->capture) return cudaErrorStreamCaptureUnsupported;
  stream->capture = std::make_unique<Graph>();
  ++captured_streams;
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  *status = stream->capture ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  if (!stream->capture) return cudaErrorInvalidValue;
  *graph = stream->capture.release();
  --captured_streams;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new Executable{std::make_shared<Graph>(*graph)};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  ++launched_graphs;
  return put(stream, [graph = executable->graph] {
    for (const Work& node : graph->nodes)
      if (sticky() == cudaSuccess) node();
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
