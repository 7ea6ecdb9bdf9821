// Commands that wait to be sent to a stream, and the CUDA graphs of lists seen before.
//
// Backend calls only add to the list. When results are wanted it is sent as a whole: a list that was seen before is one
// graph launch; at its second coming it is captured; at its first it runs command by command. Lists are compared by their
// keys, which hold every argument of every command, so code above needs no notion of graphs: a step of known shape is one.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/lru_cache.h"
#include "ops/cuda/profile.h"
#include "ops/cuda/runtime.h"

namespace cw {

class Commands {
 public:
  /// `name`: static, for the profile. `key`: bytes that say all that the command does. What it holds on to lives as long as a
  /// graph of it.
  void add(const char* name, const std::string& key, std::function<void()> command);
  bool empty() const { return commands_.empty(); }
  /// Sends the list to the stream and forgets it, also when it throws.
  void send(cudaStream_t stream, Profile& profile);
  /// On a lost device: leaves graphs to the process.
  void abandon();

  int64_t graph_launches() const { return graph_launches_; }

 private:
  struct Command {
    const char* name;
    std::function<void()> run;
  };
  struct Known {
    bool ran = false;
    std::vector<Command> commands;  // of the graph: what they hold on to
    OwnedExecutable graph;
  };
  void capture(cudaStream_t stream, Known& known);

  /// A step has one for each length of the packed captions (they come in buckets), and that in both halves of the staging.
  static constexpr size_t kGraphs = 64;
  std::string key_;
  std::vector<Command> commands_;
  LruCache<std::string, std::shared_ptr<Known>, std::hash<std::string>> known_{kGraphs};
  std::vector<std::weak_ptr<Known>> all_;
  int64_t graph_launches_ = 0;
};

}  // namespace cw
