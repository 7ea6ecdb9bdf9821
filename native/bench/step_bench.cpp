// Times whole training steps of one model on one device, without Node: noise for pictures (uint8), captions of one length,
// forward, backward, AdamW. Prints one JSON line.
//   step_bench MODELS_FILE MODEL DEVICE BATCH fp32|bf16|fp16 TOKENS STEPS [--profile]
// pairsPerSecond is the rate with one step queued ahead of the one that runs, as training has it; latencyMs is the time of a
// step that is waited for before the next begins. --profile adds `ops`, the device's time of one step by op, and `products`
// by shape, which lies within the time of their ops.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "core/error.h"
#include "engine/names.h"
#include "engine/session.h"
#include "model/line.h"

namespace cw {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begin) { return std::chrono::duration<double, std::milli>(Clock::now() - begin).count(); }

double median(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  return all.empty() ? 0 : all[all.size() / 2];
}

/// Noise, the same every time.
struct SyntheticBatch {
  std::vector<uint8_t> pixels;
  std::vector<int32_t> ids, offsets{0}, pool;
  Batch batch;

  SyntheticBatch(const ClipConfig& c, int64_t n, int64_t tokens, const PairLoss& loss)
      : pixels(static_cast<size_t>(n * c.vision.image_size * c.vision.image_size * 3)) {
    uint32_t state = 1;
    const auto draw = [&] { return (state = state * 1664525u + 1013904223u) >> 8; };
    for (uint8_t& x : pixels) x = static_cast<uint8_t>(draw());
    const auto vocab = static_cast<uint32_t>(c.text.vocab_size);
    for (int64_t s = 0; s < n; ++s) {
      for (int64_t i = 0; i + 1 < tokens; ++i) ids.push_back(static_cast<int32_t>(1 + draw() % (vocab - 3)));
      ids.push_back(static_cast<int32_t>(vocab - 1));
      offsets.push_back(static_cast<int32_t>(ids.size()));
      pool.push_back(c.text.bert ? offsets[static_cast<size_t>(s)] : offsets.back() - 1);
    }
    batch.images = {.data = pixels.data(), .dtype = DType::u8, .count = n};
    batch.tokens = {.ids = ids.data(), .offsets = offsets.data(), .pool = pool.data(), .count = n};
    batch.loss = &loss;
  }
};

/// The model of that name among the lines of a file. Throws invalid_argument, which lists those that are there.
ClipConfig read_model(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  if (!file) throw Error(Code::invalid_argument, path + " cannot be read");
  std::string names;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    auto [found, config] = parse_model_line(line);
    if (found == name) return config;
    names += (names.empty() ? "" : ", ") + found;
  }
  throw Error(Code::invalid_argument, "there is no model '" + name + "' in " + path + ", which has " + names);
}

/// Of one step: as members of the JSON object.
std::string profile_of(Session& session, const std::function<Session::Results()>& queue) {
  constexpr int kSteps = 3;
  session.profile(true);
  for (int i = 0; i < kSteps; ++i) queue()();
  std::string ops, products;
  for (const OpTime& t : session.op_times()) {
    char row[320];
    const bool op = t.shape.empty();
    const auto of_step = [](int64_t n) { return static_cast<double>(n) / kSteps; };
    std::snprintf(row, sizeof row, "{\"%s\": \"%s\", \"calls\": %.0f, \"launches\": %.0f, \"ms\": %.4f}",
                  op ? "name" : "shape", (op ? t.name : t.shape).c_str(), of_step(t.calls), of_step(t.launches), t.ms / kSteps);
    std::string& list = op ? ops : products;
    list += (list.empty() ? "" : ", ") + std::string(row);
  }
  session.profile(false);
  return ", \"ops\": [" + ops + "], \"products\": [" + products + "]";
}

void run(std::vector<std::string> a) {
  const bool profile = !a.empty() && a.back() == "--profile";
  if (profile) a.pop_back();
  if (a.size() != 7) throw Error(Code::invalid_argument, "expected the arguments that native/bench/step_bench.cpp begins with");
  const auto number = [&](size_t i) { return std::stoll(a[i]); };
  const ClipConfig config = read_model(a[0], a[1]);
  const int64_t pairs = number(3), tokens = number(5), steps = number(6);
  const std::atomic<bool> stop{false};
  Session session({.model = config, .device = a[2], .precision = named(kPrecisions, a[4], "precision")}, &stop);
  session.initialize(1);
  OptimizerSpec spec;
  spec.lr_scale.assign(session.parameters().size(), 1);
  for (const Parameter& p : session.parameters()) spec.weight_decay.push_back(p.shape.size() >= 2 ? 0.2f : 0.0f);
  const int optimizer = session.create_optimizer(spec);
  const auto loss = make_pair_loss({.kind = "infonce", .options = {{"reduction", "mean"}}});
  const SyntheticBatch batch(config, pairs, tokens, *loss);
  const auto queue = [&] { return session.queue_step(batch.batch, optimizer, {.lr = 1e-4f}); };

  // The first runs op by op, the next ones capture a graph for each half of the staging memory.
  constexpr int kWarmUp = 4;
  const auto first_begin = Clock::now();
  const float first_loss = queue()().loss.loss;
  const double first_ms = ms_since(first_begin);
  for (int i = 1; i < kWarmUp; ++i) queue()();

  std::vector<double> lone, intervals;
  for (int64_t i = 0; i < std::max<int64_t>(steps / 2, 1); ++i) {
    const auto begin = Clock::now();
    queue()();
    lone.push_back(ms_since(begin));
  }
  Session::Results waiting = queue();
  Session::Step last{};
  auto begin = Clock::now(), before = begin;
  double queue_ms = 0;
  for (int64_t i = 0; i < steps; ++i) {
    const auto queued = Clock::now();
    Session::Results next = queue();
    queue_ms += ms_since(queued);
    last = waiting();
    waiting = std::move(next);
    intervals.push_back(ms_since(before));
    before = Clock::now();
  }
  const double all_ms = ms_since(begin), step_ms = all_ms / static_cast<double>(steps);
  waiting();
  const Session::Plan plan = session.plan({.batch = pairs, .tokens = tokens}, *loss);
  std::printf("{\"model\": \"%s\", \"device\": \"%s\", \"batch\": %lld, \"precision\": \"%s\", \"tokens\": %lld, "
              "\"pairsPerSecond\": %.2f, \"stepMs\": %.4f, \"medianStepMs\": %.4f, \"latencyMs\": %.4f, \"queueMs\": %.4f, "
              "\"firstStepMs\": %.1f, \"peakMiB\": %.1f, \"firstLoss\": %.6f, \"lastLoss\": %.6f%s}\n",
              a[1].c_str(), session.device().c_str(), static_cast<long long>(pairs), a[4].c_str(),
              static_cast<long long>(tokens), 1000.0 * static_cast<double>(pairs) / step_ms, step_ms, median(intervals),
              median(lone), queue_ms / static_cast<double>(steps), first_ms,
              static_cast<double>(plan.total()) / (1 << 20), static_cast<double>(first_loss),
              static_cast<double>(last.loss.loss), profile ? profile_of(session, queue).c_str() : "");
}

}  // namespace
}  // namespace cw

int main(int argc, char** argv) {
  try {
    cw::run({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 1;
  }
}
