#include "engine/adapters.h"

#include <cmath>
#include <string>

#include "core/error.h"

namespace cw {
namespace {

int64_t aligned(int64_t n) { return (n + Parameters::kAlignment - 1) / Parameters::kAlignment * Parameters::kAlignment; }

[[noreturn]] void refuse(const std::string& what) { throw Error(Code::invalid_argument, "[lora] " + what); }

/// What products read it as.
Parameter& whole(Parameter& p) { return p.joined ? *p.joined : p; }

}  // namespace

void Adapters::add(const AdapterSpec& spec) {
  if (*this) refuse("the model has adapters already; merge them first");
  if (spec.rank < 1 || !std::isfinite(spec.scale)) refuse("expected a rank of at least 1 and a finite scale");
  if (spec.parameters.empty()) refuse("expected at least one parameter");
  before_ = parameters_.size();
  int64_t elements = aligned(spec.rank * spec.rank);
  for (const size_t i : spec.parameters) {
    if (i >= before_) refuse("there is no parameter with index " + std::to_string(i));
    const Parameter& p = parameters_[i];
    if (p.shape.size() != 2 || p.weight.input_major) refuse(p.name + " is no matrix [out, in] of a linear layer");
    elements += aligned(p.weight.master.cols * spec.rank) + aligned(p.weight.master.rows * spec.rank);
  }
  values_ = backend_.allocate(static_cast<size_t>(elements) * sizeof(float));
  for (const size_t i : spec.parameters) add(i, spec);
  give_sums_memory();
  fresh_ = false;
}

void Adapters::add(size_t parameter, const AdapterSpec& spec) {
  Parameter& base = parameters_[parameter];
  const int64_t r = spec.rank, out = base.weight.master.rows, in = base.weight.master.cols;
  auto* const scale = static_cast<float*>(values_->data());
  const Tensor diagonal = Tensor::of(scale, DType::f32, r, r);
  if (entries_.empty()) {
    std::vector<float> values(static_cast<size_t>(r * r), 0.0f);
    for (int64_t k = 0; k < r; ++k) values[static_cast<size_t>(k * r + k)] = spec.scale;
    backend_.upload(diagonal, values.data());
  }
  float* at = entries_.empty() ? scale + aligned(r * r)
                               : entries_.back().adapter.b->weight.master.as<float>() +
                                     aligned(entries_.back().adapter.b->count());
  const auto place = [&](Parameter& p) {  // never packed: used once a step
    p.weight.id = 0;
    p.weight.master = p.weight.compute = Tensor::of(at, DType::f32, p.weight.master.rows, p.weight.master.cols);
    at += aligned(p.count());
  };
  // peft begins as nn.Linear does: kaiming_uniform with a = sqrt(5).
  Parameter& a = parameters_.add(base.name + ".lora_A", {r, in}, Init::uniform(1 / std::sqrt(static_cast<float>(in))));
  Parameter& b = parameters_.add(base.name + ".lora_B", {out, r}, Init::constant(0));
  place(a), place(b);
  backend_.random_init({.y = a.weight.master,
                        .kind = RandomInit::Kind::uniform,
                        .a = -a.init.scale,
                        .b = a.init.scale,
                        .seed = spec.seed,
                        .stream = parameters_.size()});
  const int64_t first = base.joined ? (base.offset - base.joined->offset) / in : 0;
  Entry& e = entries_.emplace_back(Entry{
      .base = &base,
      .adapter = {.a = &a, .b = &b, .scale = {.master = diagonal, .compute = diagonal}, .first = first, .rows = out},
      .a = a.weight});
  e.a.input_major = true;
  whole(base).adapters.push_back(e.adapter);
}

/// In f32 products read the values themselves: sums need memory of their own.
void Adapters::give_sums_memory() {
  if (type_ != DType::f32) return;
  std::vector<Parameter*> holders;
  int64_t elements = 0;
  for (const Entry& e : entries_) {
    Parameter& p = whole(*e.base);
    if (!holders.empty() && holders.back() == &p) continue;
    holders.push_back(&p);
    elements += aligned(p.count());
  }
  sums_ = backend_.allocate(static_cast<size_t>(elements) * sizeof(float));
  auto* at = static_cast<float*>(sums_->data());
  for (Parameter* p : holders) {
    const auto point = [&](Parameter& to) {
      to.weight.compute = Tensor::of(at + (to.offset - p->offset), DType::f32, to.weight.master.rows, to.weight.master.cols);
    };
    point(*p);
    for (size_t i = 0; i < before_; ++i) {
      Parameter& part = parameters_[i];
      if (part.joined != p) continue;
      point(part);
      bool adapted = false;
      for (const Entry& e : entries_) adapted = adapted || e.base == &part;
      if (!adapted) beside_.push_back(&part);
    }
    at += aligned(p->count());
  }
}

void Adapters::sum(const Context& c, const Entry& e, Tensor y) const {
  const Frame frame(c.arena);
  const Tensor b = e.adapter.b->weight.master, scaled = c.take_f32(b.rows, b.cols);
  c.ops.linear({.x = b, .w = {&e.adapter.scale}, .y = scaled});
  c.ops.linear({.x = scaled, .w = {&e.a}, .residual = e.base->weight.master, .y = y});
}

void Adapters::sum(const Context& c, size_t parameter, Tensor y) const {
  for (const Entry& e : entries_)
    if (e.base == &parameters_[parameter]) return sum(c, e, y);
  c.ops.cast({.x = parameters_[parameter].weight.master, .y = y});  // a part whose neighbours have adapters
}

void Adapters::refresh(PlannedRuns::Run& run) {
  if (fresh_ || !*this) return;
  const Context& c = run.context;
  for (Parameter* p : beside_) c.ops.cast({.x = p->weight.master, .y = p->weight.compute});
  for (const Entry& e : entries_) {
    const Frame frame(c.arena);
    const Tensor& to = e.base->weight.compute;
    const Tensor y = type_ == DType::f32 ? to : c.take_f32(to.rows, to.cols);
    sum(c, e, y);
    if (type_ != DType::f32) c.ops.cast({.x = y, .y = to});
    if (run.backend) Parameters::touch(*e.base);
  }
  fresh_ = run.backend != nullptr;
}

void Adapters::fold(PlannedRuns& runs) {
  runs.run([&](PlannedRuns::Run& run) {
    const Context& c = run.context;
    for (const Entry& e : entries_) {
      const Frame frame(c.arena);
      const Tensor& w = e.base->weight.master;
      const Tensor y = c.take_f32(w.rows, w.cols);
      sum(c, e, y);
      c.ops.cast({.x = y, .y = w});
      if (type_ != DType::f32) c.ops.cast({.x = y, .y = e.base->weight.compute});
    }
  });
  const auto restore = [&](Parameter& p) {
    if (type_ == DType::f32) p.weight.compute = p.weight.master;
    p.adapters.clear();
    Parameters::touch(p);
  };
  for (const Entry& e : entries_) restore(whole(*e.base)), restore(*e.base);
  for (Parameter* p : beside_) restore(*p);
  entries_.clear();
  beside_.clear();
  parameters_.drop(before_);
  sums_.reset();
  values_.reset();
}

}  // namespace cw
