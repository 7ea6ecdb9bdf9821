#include "ops/cuda/commands.h"

#include <utility>

namespace cw {

void Commands::add(const char* name, const std::string& key, std::function<void()> command) {
  key_ += key;
  commands_.push_back({name, std::move(command)});
}

void Commands::send(cudaStream_t stream, Profile& profile) {
  const std::string key = std::exchange(key_, {});
  const auto commands = std::exchange(commands_, {});
  if (commands.empty()) return;
  if (profile.on()) {  // a graph's parts have no times
    for (const auto& command : commands) {
      const auto span = profile.span(stream, command.name);
      command.run();
    }
    return;
  }
  Known& known = *known_.get(key, [&] {
    auto made = std::make_shared<Known>();
    std::erase_if(all_, [](const auto& k) { return k.expired(); });
    all_.push_back(made);
    return made;
  });
  if (!known.ran) {
    for (const auto& command : commands) command.run();
    known.ran = true;  // only now: kernels are loaded at their first launch, which a capture may not do
    return;
  }
  if (!known.graph) {
    known.commands = commands;
    capture(stream, known);
  }
  CW_CUDA(cudaGraphLaunch(known.graph.get(), stream));
  ++graph_launches_;
}

void Commands::capture(cudaStream_t stream, Known& known) {
  cudaGraph_t graph = nullptr;
  CW_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  try {
    for (const auto& command : known.commands) command.run();
  } catch (...) {
    if (cudaStreamEndCapture(stream, &graph) == cudaSuccess) OwnedGraph{graph};
    throw;
  }
  CW_CUDA(cudaStreamEndCapture(stream, &graph));
  const OwnedGraph owned(graph);
  cudaGraphExec_t executable = nullptr;
  CW_CUDA(cudaGraphInstantiate(&executable, graph, 0));
  known.graph = OwnedExecutable(executable);
}

void Commands::abandon() {
  for (const auto& weak : all_)
    if (const auto known = weak.lock()) known->graph.abandon();
}

}  // namespace cw
