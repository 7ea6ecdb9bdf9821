#include "engine/session.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <new>
#include <span>
#include <utility>

#include "core/error.h"

namespace cw {
namespace {

ClipConfig validated(const ClipConfig& config) {
  validate(config);
  return config;
}

/// All elements of a contiguous tensor as one row.
Tensor flat(const Tensor& t) { return Tensor::of(t.data, t.dtype, 1, t.count()); }

/// The backend itself, once it is known to compute in this type.
Backend& computing(Backend& backend, DType type) {
  if (backend.computes(type)) return backend;
  throw Error(Code::unsupported, "[session] " + backend.name() + " does not compute in " + name_of(type) + "; use f32");
}

/// What `reserve` lacks, if anything.
template <class Reserve>
std::optional<Error> shortage_of(Reserve&& reserve) {
  try {
    reserve();
  } catch (const Error& e) {
    if (e.code != Code::out_of_memory) throw;
    return e;
  } catch (const std::bad_alloc&) {
    return Error(Code::out_of_memory, "the machine has no memory left for this step");
  }
  return {};
}

/// Of values as Gradients leaves them: loss, then the parameter logit_scale.
Session::Loss read_loss(const std::vector<float>& values) {
  return {.loss = values[0], .logit_scale = std::exp(values[1])};
}

}  // namespace

Session::Session(const Options& options, const std::atomic<bool>* stop)
    : backend_(make_backend(options.device, options.threads)),
      type_(options.precision),
      model_(parameters_, validated(options.model)),
      runs_(computing(*backend_, type_), type_),
      scaler_(*backend_, type_),
      adapters_(*backend_, parameters_, type_),
      encoder_(model_, runs_),
      gradients_(model_) {
  backend_->set_stop(stop);
  if (options.rounded && (options.trainable || type_ != DType::f32))
    throw Error(Code::unsupported, "[session] weights of 8 bits are for models that only encode, in f32");
  if (options.rounded && !backend_->computes(DType::i8))
    throw Error(Code::unsupported, "[session] " + backend_->name() + " has no products of 8-bit weights; use precision bf16 or fp16");
  if (options.trainable)
    values_.emplace(*backend_, parameters_, type_, scaler_);
  else
    held_.emplace(*backend_, parameters_, type_, options.rounded, [this](const Context& c) { encoder_.features_of_one(c); });
}

Session::~Session() = default;

void Session::join(std::shared_ptr<Group> group) {
  group_ = group;
  backend_->set_group(std::move(group));
  if (backend_->ranks().alone()) return;
  // The same seed makes the same values; another machine's instructions may round a few otherwise.
  runs_.run([&](PlannedRuns::Run& r) {
    for (size_t i = 0; i < parameters_.size(); ++i) {
      const Weight& w = parameters_[i].weight;
      r.context.ops.broadcast({.x = flat(w.master)});
      if (w.compute.data != w.master.data) r.context.ops.cast({.x = w.master, .y = w.compute});
    }
  });
  parameters_.touch();
  adapters_.outdate();
}

void Session::add_up_gradients(Ops& ops) {
  if (ops.ranks().alone()) return;
  for (const Tensor& block : values().gradients()) ops.all_reduce({.x = block});
}

ParameterValues& Session::values() {
  if (!values_) throw Error(Code::unsupported, "[session] this model only encodes; load it without trainable: false to train it");
  return *values_;
}

void Session::make_ready() {
  refresh_adapters();
  if (held_) held_->settle();
}

void Session::set_trainable(size_t parameter, bool trainable) {
  if (!values().set_trainable(parameter, trainable)) return;
  for (auto& o : optimizers_) o->rebuild();
}

void Session::read(const ParameterSlot& from, float* to) {
  if (held_) return held_->read(from, to);
  if (from.slot != Slot::merged || from.parameter >= parameters_.size() || !adapters_.adapts(from.parameter))
    return values().read(from, named_by(from), to);
  runs_.run([&](PlannedRuns::Run& r) {
    const Tensor& w = parameters_[from.parameter].weight.master;
    const Tensor sum = r.context.take_f32(w.rows, w.cols);
    adapters_.sum(r.context, from.parameter, sum);
    if (r.backend) r.backend->download(to, cut(sum, from.span));
  });
}

void Session::write(const ParameterSlot& to, const float* from) {
  if (held_) return held_->write(to, from);
  values().write(to, named_by(to), from);
  adapters_.outdate();
}

std::optional<ReadFailure> Session::write(const ParameterSlot& to, const StoredFloats& from) {
  FloatReader reader(from);
  const Backend::Source source = std::ref(reader);
  if (held_) {
    held_->write(to, source);
  } else {
    values().write(to, source);
    adapters_.outdate();
  }
  return reader.failure();
}

void Session::add_adapters(const AdapterSpec& spec) {
  ParameterValues& values = this->values();
  const size_t own = parameters_.size();
  adapters_.add(spec);
  values.forget_gradients();
  for (size_t i = 0; i < own; ++i) values.set_trainable(i, false);
  for (auto& o : optimizers_) o->end();
}

void Session::merge_adapters() {
  if (!adapters_) throw Error(Code::invalid_argument, "[lora] the model has no adapters to merge");
  adapters_.fold(runs_);
  values().forget_gradients();
  for (size_t i = 0; i < parameters_.size(); ++i) values().set_trainable(i, true);
  for (auto& o : optimizers_) o->end();
}

void Session::refresh_adapters() {
  if (adapters_) runs_.run([&](PlannedRuns::Run& r) { adapters_.refresh(r); });
}

void Session::exchange_averages(int handle) {
  Optimizer& o = optimizer(handle);
  runs_.run([&](PlannedRuns::Run& r) { o.exchange(r.context, r.backend, parameters_); });
  adapters_.outdate();
}

void Session::set_loss_scaling(LossScaling scaling) {
  if (scaler_.tensor() && values().gradients_wait())
    throw Error(Code::invalid_argument,
                "[loss scale] cannot change while gradients wait for an optimizer's step; call it before");
  scaler_.write(scaling);
}

Session::Loss Session::forward_backward(const Batch& batch) {
  gradients_.demand(batch, backend_->ranks());
  values().take_gradients();
  Gradients::Results results;
  refresh_adapters();
  runs_.run(gradients_.of(batch, scaler_.tensor(), values().gradients_wait(), &results));
  values().set_gradients_wait(true);
  return read_loss(backend_->fetch({results.loss, results.logit_scale})->wait());
}

int Session::create_optimizer(OptimizerSpec spec) {
  values();  // of a model that learns
  optimizers_.push_back(std::make_unique<Optimizer>(*backend_, parameters_, std::move(spec)));
  return static_cast<int>(optimizers_.size()) - 1;
}

Optimizer& Session::optimizer(int handle) {
  if (handle < 0 || handle >= static_cast<int>(optimizers_.size()))
    throw Error(Code::invalid_argument, "[optimizer] there is none with handle " + std::to_string(handle));
  return *optimizers_[static_cast<size_t>(handle)];
}

Optimizer::Result Session::optimizer_step(int handle, Optimizer::Step step) {
  Optimizer& o = optimizer(handle);
  if (!values().gradients_wait())
    throw Error(Code::invalid_argument, "[optimizer] step was called with no gradients; call forwardBackward before it");
  const Tensor scale = scaler_.tensor();
  runs_.run([&](PlannedRuns::Run& r) {
    add_up_gradients(r.context.ops);
    o.queue(r.context.ops, r.backend, parameters_, model_.logit_scale, step, scale);
  });
  values().set_gradients_wait(false);
  adapters_.outdate();
  return Optimizer::result(backend_->fetch(o.results(scale))->wait());
}

bool Session::on_any_rank(bool mine) {
  if (group_->ranks().alone()) return mine;
  const auto size = static_cast<size_t>(group_->ranks().size);
  const int32_t own = mine;
  std::vector<int32_t> all(size);
  group_->all_gather(&own, std::vector<int64_t>(size, 1), all.data());
  return std::find(all.begin(), all.end(), 1) != all.end();
}

Session::Results Session::queue_step(const Batch& given, int handle, Optimizer::Step options) {
  Optimizer& o = optimizer(handle);  // an unknown handle must not cost a step
  const Ranks ranks = backend_->ranks();
  gradients_.demand(given, ranks);
  values().take_gradients();
  const Tensor scale = scaler_.tensor();
  Gradients::Results found;
  Batch batch = given;
  const bool accumulates = values().gradients_wait();
  const PlannedRuns::Body gradients = gradients_.of(batch, scale, accumulates, &found);
  bool updates = false;
  const PlannedRuns::Body work = [&](PlannedRuns::Run& r) {
    adapters_.refresh(r);
    gradients(r);
    add_up_gradients(r.context.ops);
    updates = r.backend != nullptr;
    o.queue(r.context.ops, r.backend, parameters_, model_.logit_scale, options, scale, found.loss);
  };
  // A rank's share is the largest on the first: all come to the same numbers.
  const int64_t most = batch.total > 0 ? Ranks{0, ranks.size}.share(batch.total).count : batch.images.count;
  for (;;) {
    const std::optional<Error> lacks = shortage_of([&] { runs_.reserve(work); });
    const bool fits = !on_any_rank(lacks.has_value());
    const std::optional<Error> broke = fits ? shortage_of([&] { runs_.run_reserved(work); }) : std::nullopt;
    if (fits && !broke) break;
    // In the middle of a step, where operations take memory of their own: gradients are computed anew while no weight has
    // moved, but what other ranks or a device have begun cannot be.
    const bool once = broke && (updates || accumulates || concurrent() || !ranks.alone());
    if (once || !batch.may_halve || batch.micro_batch == 1 || most == 1)
      throw broke ? *broke : lacks ? *lacks : Error(Code::out_of_memory, "another rank has no memory for its part of this step");
    const int64_t now = batch.micro_batch > 0 ? std::min(batch.micro_batch, most) : most;
    batch.micro_batch = (now + 1) / 2;
  }
  values().set_gradients_wait(false);
  adapters_.outdate();
  std::vector<Tensor> results{found.loss, found.logit_scale};
  if (found.statistics) results.push_back(found.statistics);
  for (const Tensor& t : o.results(scale)) results.push_back(t);
  return {backend_->fetch(results), batch.micro_batch == given.micro_batch ? 0 : batch.micro_batch,
          static_cast<size_t>(found.statistics.count())};
}

Session::Step Session::Results::operator()() {
  const std::vector<float> values = arrival_->wait();
  const std::span<const float> rest = std::span(values).subspan(2);
  return {.loss = read_loss(values),
          .optimizer = Optimizer::result(rest.subspan(statistics_)),
          .device_ms = arrival_->device_ms(),
          .micro_batch = micro_batch_,
          .statistics = {rest.begin(), rest.begin() + static_cast<ptrdiff_t>(statistics_)}};
}

Session::Plan Session::plan(const Shape& shape, const PairLoss& loss) {
  const int64_t n = shape.batch, tokens = shape.tokens, context = model_.config.text.context_length;
  if (n < 1 || tokens < 1 || tokens > context)
    throw Error(Code::invalid_argument,
                "[plan] expected a batch of at least 1 and 1 to " + std::to_string(context) + " tokens");
  std::vector<int32_t> ids(static_cast<size_t>(n * tokens)), offsets(static_cast<size_t>(n) + 1), pool(static_cast<size_t>(n));
  for (int64_t s = 0; s < n; ++s) {
    offsets[s + 1] = static_cast<int32_t>((s + 1) * tokens);
    pool[s] = offsets[s + 1] - 1;
    // Captions that differ as far as the vocabulary goes: repeats would take less.
    int64_t number = s;
    for (int64_t i = 0; i < tokens; ++i, number /= model_.config.text.vocab_size)
      ids[s * tokens + i] = static_cast<int32_t>(number % model_.config.text.vocab_size);
  }
  const Batch batch{.images = {.data = nullptr, .dtype = DType::u8, .count = n},
                    .tokens = {.ids = ids.data(),
                               .offsets = offsets.data(),
                               .pool = pool.data(),
                               .count = n,
                               .dropout = DropoutDraws{}},
                    .teacher = {.dim = shape.teacher_dim},
                    .loss = &loss,
                    .micro_batch = shape.micro_batch,
                    .checkpointing = shape.checkpointing};
  if (!held_) return plan_step(batch);
  Plan plan{.parameters = held_->bytes(), .available = backend_->available_bytes()};
  held_->imagine(true);
  try {
    plan.step = encoder_.measure(n, batch.tokens);
  } catch (...) {
    held_->imagine(false);
    throw;
  }
  held_->imagine(false);
  return plan;
}

Session::Plan Session::plan_step(const Batch& batch) {
  Plan plan;
  Gradients::Results results;
  values().imagine_gradients();
  try {
    plan.step = runs_.measure(gradients_.of(batch, scaler_.tensor(), values().gradients_wait(), &results)).total();
  } catch (...) {
    values().forget_plan();
    throw;
  }
  values().forget_plan();
  plan.gradients = Learned::bytes(parameters_);
  plan.parameters = values().bytes();
  plan.parameters += adapters_.bytes();
  if (batch.sliced())
    for (const Weight* w : parameters_.weights())
      if (w->id != 0 && w->master.rows > 1) plan.parameters += backend_->packed_bytes(*w);
  plan.optimizer = 2 * Learned::bytes(parameters_);  // two moments, the most that a rule keeps
  plan.available = backend_->available_bytes();
  return plan;
}

}  // namespace cw
