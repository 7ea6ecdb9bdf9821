#include "engine/session.h"

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

#include "core/error.h"
#include "ops/loss_scale.h"

namespace cw {
namespace {

ClipConfig validated(const ClipConfig& config) {
  validate(config);
  return config;
}

/// Of values as training_body leaves them: loss, then the parameter logit_scale.
Session::Loss read_loss(const std::vector<float>& values) {
  return {.loss = values[0], .logit_scale = std::exp(values[1])};
}

}  // namespace

Session::Session(const Options& options, const std::atomic<bool>* stop)
    : backend_(make_backend(options.device, options.threads)),
      type_(options.precision),
      model_(parameters_, validated(options.model)),
      runs_(*backend_, type_),
      text_saved_(model_.text->make_saved()) {
  if (!backend_->computes(type_))
    throw Error(Code::unsupported, "[session] " + backend_->name() + " does not compute in " + name_of(type_) + "; use f32");
  const auto elements = static_cast<size_t>(parameters_.elements());
  values_ = backend_->allocate(elements * sizeof(float));
  grads_ = backend_->allocate(elements * sizeof(float));
  if (type_ != DType::f32) compute_ = backend_->allocate(elements * size_of(type_));
  if (type_ == DType::f16) {
    loss_scale_ = backend_->allocate(sizeof(LossScaling));
    set_loss_scaling({});
  }
  parameters_.bind(static_cast<float*>(values_->data()), static_cast<float*>(grads_->data()),
                   compute_ ? compute_->data() : nullptr, type_);
  backend_->set_stop(stop);
}

Session::~Session() = default;

// ---- parameters ----------------------------------------------------------------------------------------------------

void Session::initialize(uint64_t seed) {
  uint64_t stream = 0;
  for (Parameter& p : parameters_) {
    const Init init = p.init;
    if (init.kind == Init::Kind::constant) {
      backend_->fill({.y = p.weight.master, .value = init.scale});
    } else {
      const bool normal = init.kind == Init::Kind::normal;
      backend_->random_init({.y = p.weight.master,
                             .kind = normal ? RandomInit::Kind::normal : RandomInit::Kind::uniform,
                             .a = normal ? 0 : -init.scale,
                             .b = init.scale,
                             .seed = seed,
                             .stream = stream});
    }
    ++stream;
    refresh(p);
  }
}

void Session::refresh(Parameter& p) {
  if (p.weight.compute.data != p.weight.master.data) backend_->cast({.x = p.weight.master, .y = p.weight.compute});
  Parameters::touch(p);
}

Tensor Session::slot(size_t parameter, Slot slot, int optimizer_handle) {
  if (parameter >= parameters_.size()) throw Error(Code::invalid_argument, "[parameter] there is none with index " + std::to_string(parameter));
  const Parameter& p = parameters_[parameter];
  switch (slot) {
    case Slot::value: return p.weight.master;
    case Slot::grad: return p.grad;
    case Slot::m: return optimizer(optimizer_handle).moment_1(p);
    case Slot::v: return optimizer(optimizer_handle).moment_2(p);
  }
  return {};
}

/// Elements of a contiguous tensor as one row.
static Tensor cut(const Tensor& t, ElementSpan span) {
  if (!t || (span.first == 0 && (span.count < 0 || span.count == t.count()))) return t;
  const int64_t count = span.count < 0 ? t.count() - span.first : span.count;
  if (span.first < 0 || count < 0 || span.first > t.count() - count)
    throw Error(Code::invalid_argument, "[parameter] elements " + std::to_string(span.first) + " .. " +
                                            std::to_string(span.first + count) + " of " + std::to_string(t.count()));
  return Tensor::of(t.as<float>() + span.first, DType::f32, 1, count);
}

void Session::read(size_t parameter, Slot which, int optimizer_handle, float* to, ElementSpan span) {
  const Tensor t = cut(slot(parameter, which, optimizer_handle), span);
  const int64_t count = cut(parameters_[parameter].weight.master, span).count();
  const bool no_gradient = which == Slot::grad && (!accumulate_ || !parameters_[parameter].trainable);
  if (!t || no_gradient)
    std::fill_n(to, count, 0.0f);
  else
    backend_->download(to, t);
  if (which != Slot::grad || no_gradient || !loss_scale_) return;
  const float unscale = 1 / loss_scaling()->value;
  for (float* x = to; x != to + count; ++x) *x *= unscale;
}

void Session::write(size_t parameter, Slot which, int optimizer_handle, const float* from, ElementSpan span) {
  const Tensor t = cut(slot(parameter, which, optimizer_handle), span);
  if (!t) throw Error(Code::invalid_argument, "[parameter] this optimizer keeps no such moment");
  if (which == Slot::grad) throw Error(Code::invalid_argument, "[parameter] gradients are not written from outside");
  backend_->upload(t, from);
  if (which == Slot::value) refresh(parameters_[parameter]);
}

void Session::set_trainable(size_t parameter, bool trainable) {
  Parameter& p = parameters_[parameter];
  if (p.trainable == trainable) return;
  parameters_.set_trainable(parameter, trainable);
  if (trainable && accumulate_) backend_->fill({.y = p.grad, .value = 0});  // what others add up to, it begins now
  for (auto& o : optimizers_) o->rebuild();
}

// ---- inference -----------------------------------------------------------------------------------------------------

void Session::encode_images(const HostImages& images, bool normalize, float* features) {
  runs_.run([&](Run& r) {
    const Tensor y = r.context.take_f32(images.count, model_.config.embed_dim);
    const VisionInput in = vision_input(r.context.arena, r.backend, model_.config.vision, images, 0, images.count);
    model_.vision.forward(r.context, in, y, vision_saved_);
    if (normalize) r.context.ops.l2_normalize({.x = y, .y = y});
    if (r.backend) r.backend->download(features, y);
  });
}

void Session::encode_texts(const HostTokens& tokens, bool normalize, float* features) {
  validate(tokens, model_.config.text);
  runs_.run([&](Run& r) {
    const Tensor y = r.context.take_f32(tokens.count, model_.config.embed_dim);
    const TextInput in = text_input(r.context.arena, r.backend, model_.config.text, tokens, 0, tokens.count);
    model_.text->forward(r.context, in, y, *text_saved_);
    if (normalize) r.context.ops.l2_normalize({.x = y, .y = y});
    if (r.backend) r.backend->download(features, y);
  });
}

float Session::feature_loss(const float* image, const float* text, int64_t n, Reduction reduction) {
  float loss = 0;
  runs_.run([&](Run& r) {
    const int64_t e = model_.config.embed_dim;
    const Tensor a = r.context.take_f32(n, e), b = r.context.take_f32(n, e), y = r.context.take_f32(1, 1);
    if (r.backend) r.backend->upload(a, image), r.backend->upload(b, text);
    contrastive_loss(r.context.ops, r.context.arena,
                     {.image = a, .text = b, .logit_scale = model_.logit_scale.weight.master, .loss = y, .reduction = reduction});
    if (r.backend) r.backend->download(&loss, y);
  });
  return loss;
}

// ---- training ------------------------------------------------------------------------------------------------------

void Session::loss_of(Run& r, const Batch& batch, Tensor image, Tensor text, Tensor loss, Tensor dimage, Tensor dtext) {
  // A frozen temperature still takes part; its gradient goes nowhere.
  Parameter& scale = model_.logit_scale;
  contrastive_loss(r.context.ops, r.context.arena,
                   {.image = image,
                    .text = text,
                    .logit_scale = scale.weight.master,
                    .loss = loss,
                    .dimage = dimage,
                    .dtext = dtext,
                    .dlogit_scale = scale.grad,
                    .loss_scale = loss_scale(),
                    .reduction = batch.reduction,
                    .accumulate = r.context.accumulate});
}

void Session::whole_batch(Run& r, const Batch& batch, const Tensor& loss) {
  Context& c = r.context;
  c.training = true;
  const int64_t n = batch.images.count, e = model_.config.embed_dim;
  const Tensor image = c.take_f32(n, e), text = c.take_f32(n, e), dimage = c.take_f32(n, e), dtext = c.take_f32(n, e);
  const VisionInput pictures = vision_input(c.arena, r.backend, model_.config.vision, batch.images, 0, n);
  const TextInput captions = text_input(c.arena, r.backend, model_.config.text, batch.tokens, 0, n);
  model_.vision.forward(c, pictures, image, vision_saved_);
  const size_t text_begin = c.arena.used();
  model_.text->forward(c, captions, text, *text_saved_);
  loss_of(r, batch, image, text, loss, dimage, dtext);
  model_.text->backward(c, captions, *text_saved_, dtext);
  c.arena.release_to(text_begin);
  model_.vision.backward(c, pictures, vision_saved_, dimage);
}

// Exact large batches in bounded memory: features of all samples first, then each slice again with what the loss wants
// of it. Source: Gao et al., "Scaling deep contrastive learning batch size under memory limited setup" (GradCache, 2021).
void Session::micro_batches(Run& r, const Batch& batch, const Tensor& loss) {
  Context& c = r.context;
  const int64_t n = batch.images.count, e = model_.config.embed_dim;
  const Tensor image = c.take_f32(n, e), text = c.take_f32(n, e), dimage = c.take_f32(n, e), dtext = c.take_f32(n, e);
  const auto slices = [&](auto&& body) {
    for (int64_t first = 0; first < n; first += batch.micro_batch) {
      const Frame frame(c.arena);
      body(first, std::min(batch.micro_batch, n - first));
    }
  };
  const auto towers = [&](int64_t first, int64_t m, auto&& image_body, auto&& text_body) {
    {
      const Frame frame(c.arena);
      image_body(vision_input(c.arena, r.backend, model_.config.vision, batch.images, first, m));
    }
    const Frame frame(c.arena);
    text_body(text_input(c.arena, r.backend, model_.config.text, batch.tokens, first, m));
  };
  c.training = false;
  slices([&](int64_t first, int64_t m) {
    towers(
        first, m,
        [&](const VisionInput& in) { model_.vision.forward(c, in, image.row_range(first, m), vision_saved_); },
        [&](const TextInput& in) { model_.text->forward(c, in, text.row_range(first, m), *text_saved_); });
  });
  loss_of(r, batch, image, text, loss, dimage, dtext);
  c.training = true;
  slices([&](int64_t first, int64_t m) {
    const Tensor again = c.take_f32(m, e);
    towers(
        first, m,
        [&](const VisionInput& in) {
          model_.vision.forward(c, in, again, vision_saved_);
          model_.vision.backward(c, in, vision_saved_, dimage.row_range(first, m));
        },
        [&](const TextInput& in) {
          model_.text->forward(c, in, again, *text_saved_);
          model_.text->backward(c, in, *text_saved_, dtext.row_range(first, m));
        });
    c.accumulate = true;
  });
}

PlannedRuns::Body Session::training_body(const Batch& batch, Tensor* loss, Tensor* logit_scale) {
  return [this, &batch, loss, logit_scale](Run& r) {
    r.context.accumulate = accumulate_;
    r.context.checkpointing = batch.checkpointing;
    *loss = r.context.take_f32(1, 1);
    *logit_scale = r.context.take_f32(1, 1);
    r.context.ops.cast({.x = model_.logit_scale.weight.master, .y = *logit_scale});  // before a step changes it
    if (batch.micro_batch > 0 && batch.micro_batch < batch.images.count)
      micro_batches(r, batch, *loss);
    else
      whole_batch(r, batch, *loss);
  };
}

void Session::demand(const Batch& batch) const {
  if (batch.images.count < 1 || batch.images.count != batch.tokens.count)
    throw Error(Code::invalid_argument, "[batch] expected as many captions as images and at least one, got " +
                                            std::to_string(batch.images.count) + " images and " +
                                            std::to_string(batch.tokens.count) + " captions");
  validate(batch.tokens, model_.config.text);
}

Session::Loss Session::forward_backward(const Batch& batch) {
  demand(batch);
  Tensor loss, logit_scale;
  runs_.run(training_body(batch, &loss, &logit_scale));
  accumulate_ = true;
  return read_loss(backend_->fetch({loss, logit_scale})->wait());
}

// ---- loss scale ----------------------------------------------------------------------------------------------------

static_assert(sizeof(Session::LossScaling) == static_cast<size_t>(LossScale::count) * sizeof(float));
static_assert(offsetof(Session::LossScaling, good_steps) == static_cast<size_t>(LossScale::good_steps) * sizeof(float));

Tensor Session::loss_scale() const {
  if (!loss_scale_) return {};
  return Tensor::of(loss_scale_->data(), DType::f32, 1, static_cast<int64_t>(LossScale::count));
}

std::optional<Session::LossScaling> Session::loss_scaling() {
  if (!loss_scale_) return {};
  LossScaling scaling;
  backend_->download(&scaling, loss_scale());
  return scaling;
}

void Session::set_loss_scaling(LossScaling scaling) {
  const auto expect = [](bool ok, const std::string& what) {
    if (!ok) throw Error(Code::invalid_argument, "[loss scale] " + what);
  };
  expect(loss_scale_ != nullptr, "only precision fp16 has one");
  expect(scaling.value >= kMinLossScale && scaling.value <= kMaxLossScale,
         "expected a value from 1 to 2^24, got " + std::to_string(scaling.value));
  expect(scaling.good_steps >= 0, "expected good steps of at least 0, got " + std::to_string(scaling.good_steps));
  expect(!accumulate_, "cannot change while gradients wait for an optimizer's step; call it before");
  backend_->upload(loss_scale(), &scaling);
}

// ---- optimizers ----------------------------------------------------------------------------------------------------

int Session::create_optimizer(OptimizerSpec spec) {
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
  if (!accumulate_)
    throw Error(Code::invalid_argument, "[optimizer] step was called with no gradients; call forwardBackward before it");
  runs_.run([&](Run& r) { o.queue(r.context.ops, r.backend, parameters_, model_.logit_scale, step, loss_scale()); });
  accumulate_ = false;
  return Optimizer::result(backend_->fetch(o.results(loss_scale()))->wait());
}

Session::Results Session::queue_step(const Batch& batch, int handle, Optimizer::Step options) {
  Optimizer& o = optimizer(handle);  // an unknown handle must not cost a step
  demand(batch);
  Tensor loss, logit_scale;
  const PlannedRuns::Body gradients = training_body(batch, &loss, &logit_scale);
  runs_.run([&](Run& r) {
    gradients(r);
    o.queue(r.context.ops, r.backend, parameters_, model_.logit_scale, options, loss_scale());
  });
  accumulate_ = false;
  std::vector<Tensor> results{loss, logit_scale};
  for (const Tensor& t : o.results(loss_scale())) results.push_back(t);
  return [arrival = std::shared_ptr(backend_->fetch(results))]() -> Step {
    const std::vector<float> values = arrival->wait();
    return {.loss = read_loss(values), .optimizer = Optimizer::result(std::span(values).subspan(2))};
  };
}

Session::Plan Session::plan(int64_t n, int64_t tokens, int64_t micro_batch, bool checkpointing) {
  const int64_t context = model_.config.text.context_length;
  if (n < 1 || tokens < 1 || tokens > context)
    throw Error(Code::invalid_argument, "[plan] expected a batch of at least 1 and 1 to " + std::to_string(context) + " tokens");
  std::vector<int32_t> ids(static_cast<size_t>(n * tokens)), offsets(static_cast<size_t>(n) + 1), pool(static_cast<size_t>(n));
  for (int64_t s = 0; s < n; ++s) {
    offsets[s + 1] = static_cast<int32_t>((s + 1) * tokens);
    pool[s] = offsets[s + 1] - 1;
  }
  const Batch batch{.images = {.data = nullptr, .dtype = DType::u8, .count = n},
                    .tokens = {.ids = ids.data(), .offsets = offsets.data(), .pool = pool.data(), .count = n},
                    .micro_batch = micro_batch,
                    .checkpointing = checkpointing};
  Plan plan;
  Tensor loss, logit_scale;
  plan.step = runs_.measure(training_body(batch, &loss, &logit_scale)).total();
  plan.parameters = values_->bytes() + grads_->bytes() + (compute_ ? compute_->bytes() : 0);
  for (const Weight* w : parameters_.weights())
    if (w->master.rows > 1) plan.parameters += backend_->packed_bytes(*w);
  const auto block = static_cast<size_t>(parameters_.elements()) * sizeof(float);
  plan.optimizer = 2 * block;  // two moments, the most that a rule keeps
  return plan;
}

}  // namespace cw
