#include "engine/held_values.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "core/trim.h"
#include "engine/initial_values.h"
#include "engine/product_reads.h"
#include "engine/rounded_weight.h"

namespace cw {
namespace {

constexpr int64_t kPiece = 1 << 18;  // elements that pass through f32 at a time

/// Tensors that have addresses but no memory, as Arena::measuring() gives them.
void* const kNowhere = reinterpret_cast<void*>(uintptr_t{1} << 20);

int64_t aligned(int64_t n) { return (n + Parameters::kAlignment - 1) / Parameters::kAlignment * Parameters::kAlignment; }

Tensor absent(const Tensor& t, DType type) { return Tensor::of(nullptr, type, t.rows, t.cols); }

Parameter& holder(Parameter& p) { return p.joined ? *p.joined : p; }

/// Elements of a contiguous tensor as one row.
Tensor row_of(const Tensor& t, int64_t first, int64_t count) {
  auto* const at = static_cast<std::byte*>(t.data) + first * static_cast<int64_t>(size_of(t.dtype));
  return Tensor::of(at, t.dtype, 1, count);
}

void demand_value(const ParameterSlot& at, const Parameters& parameters) {
  if (at.parameter >= parameters.size())
    throw Error(Code::invalid_argument, "[parameter] there is none with index " + std::to_string(at.parameter));
  if (at.slot != Slot::value && at.slot != Slot::merged)
    throw Error(Code::unsupported, "[parameter] a model that only encodes (trainable: false) has values alone");
}

}  // namespace

HeldValues::HeldValues(Backend& backend, Parameters& parameters, DType type, bool rounded,
                       const std::function<void(const Context&)>& encode)
    : backend_(backend), parameters_(parameters), type_(type), rounded_(rounded) {
  find_products(encode);
  place_others();
}

void HeldValues::find_products(const std::function<void(const Context&)>& encode) {
  parameters_.bind(static_cast<float*>(kNowhere), kNowhere, type_);
  ProductReads reads;
  Arena arena = Arena::measuring();
  encode({.ops = reads, .arena = arena, .type = type_});
  for (Parameter& p : parameters_) {
    Weight& weight = holder(p).weight;
    if (product_of(p)) continue;
    const bool narrow = rounded_ || type_ == DType::bf16;
    if (narrow && reads.is_table(p.weight.master)) p.weight.master.dtype = DType::bf16;
    const auto read = std::find_if(reads.weights().begin(), reads.weights().end(),
                                   [&](const auto& r) { return r.first == &weight; });
    if (read == reads.weights().end()) continue;
    products_.push_back({.weight = &weight,
                         .offset = holder(p).offset,
                         .views = read->second,
                         .rounded = rounded_ && !weight.input_major});
  }
  for (Product& p : products_)
    p.weight->master = absent(p.weight->master, DType::f32), p.weight->compute = absent(p.weight->master, type_);
}

/// Vectors, tables, scalars: f32 (a table of tokens beside weights of bf16 or 8 bits: bf16), one after another; the vectors, which may
/// be biases, in the compute type as well.
void HeldValues::place_others() {
  int64_t bytes = 0, copied = 0;
  const auto others = [&](const auto& visit) {
    const Parameter* joined = nullptr;
    for (Parameter& p : parameters_) {
      if (product_of(p) || (p.joined && p.joined == joined)) continue;
      joined = p.joined;
      visit(holder(p).weight);
    }
  };
  const auto has_copy = [&](const Weight& w) { return type_ != DType::f32 && w.master.rows == 1; };
  others([&](Weight& w) {
    bytes += aligned(w.master.count()) * static_cast<int64_t>(size_of(w.master.dtype));
    if (has_copy(w)) copied += aligned(w.master.count());
  });
  values_ = backend_.allocate(static_cast<size_t>(bytes));
  copies_ = backend_.allocate(static_cast<size_t>(copied) * size_of(type_));
  auto* value = static_cast<std::byte*>(values_->data());
  auto* copy = static_cast<std::byte*>(copies_->data());
  others([&](Weight& w) {
    const auto count = aligned(w.master.count());
    w.master.data = value;
    value += count * static_cast<int64_t>(size_of(w.master.dtype));
    w.compute = type_ == DType::f32 ? w.master : absent(w.master, type_);
    if (!has_copy(w)) return;
    w.compute.data = copy;
    copy += count * static_cast<int64_t>(size_of(type_));
  });
  for (Parameter& p : parameters_) {
    if (!p.joined || product_of(p)) continue;
    const Weight& all = p.joined->weight;
    const int64_t from = p.offset - p.joined->offset;
    p.weight.master.data = all.master.as<float>() + from;
    p.weight.compute = all.compute ? Tensor::of(row_of(all.compute, from, 1).data, type_, p.weight.master.rows, p.weight.master.cols)
                                   : absent(p.weight.master, type_);
  }
}

size_t HeldValues::bytes() const {
  size_t sum = values_->bytes() + copies_->bytes();
  for (const Product& p : products_) sum += static_cast<size_t>(p.weight->compute.count()) * size_of(type_);
  return sum;
}

void HeldValues::imagine(bool there) {
  for (Product& p : products_)
    if (!p.plain && !p.packed && !p.narrow) p.weight->compute.data = there ? kNowhere : nullptr;
}

const HeldValues::Product* HeldValues::product_of(const Parameter& p) const {
  const Weight* const weight = p.joined ? &p.joined->weight : &p.weight;
  const auto found = std::find_if(products_.begin(), products_.end(), [&](const Product& w) { return w.weight == weight; });
  return found == products_.end() ? nullptr : &*found;
}

Tensor HeldValues::slice(const Product& product, const Parameter& p, int64_t first, int64_t count) const {
  return row_of(product.weight->compute, p.offset - product.offset + first, count);
}

Tensor HeldValues::place(const Product* product, const Parameter& p, int64_t first, int64_t count) const {
  return product ? slice(*product, p, first, count) : row_of(p.weight.master, first, count);
}

/// Memory for compute in type_, with what the weight holds.
void HeldValues::give_plain(Product& product) {
  if (product.plain) return;
  Weight& weight = *product.weight;
  const Tensor held = weight.compute;
  weight.compute = absent(held, type_);
  product.plain = backend_.allocate(weight.compute.bytes());
  weight.compute.data = product.plain->data();
  if (!product.scales) {
    if (product.packed) backend_.unpack(*product.packed, weight.compute);
    return;
  }
  const std::unique_ptr<Buffer> bytes = product.packed ? backend_.allocate(held.bytes()) : nullptr;
  const Tensor narrow = bytes ? Tensor::of(bytes->data(), DType::i8, held.rows, held.cols) : held;
  if (bytes) backend_.unpack(*product.packed, narrow);
  widen_weight(narrow, weight.scales, weight.compute);
}

void HeldValues::drop_plain(Product& product) {
  if (!product.packed && !product.narrow) return;
  Weight& weight = *product.weight;
  product.plain.reset();
  weight.compute = absent(weight.compute, product.scales ? DType::i8 : type_);
  if (product.narrow) weight.compute.data = product.narrow->data();
}

/// Gives a weight its plain form, to be written.
void HeldValues::open(Product& product) {
  if (current_ == &product) return;
  close();
  give_plain(product);
  product.weight->packed = nullptr;
  product.weight->scales = {};
  product.packed.reset();
  product.narrow.reset();
  product.scales.reset();
  current_ = &product;
}

void HeldValues::round(Product& product) {
  Weight& weight = *product.weight;
  const Tensor whole = weight.compute;
  product.scales = backend_.allocate(static_cast<size_t>(whole.rows) * sizeof(float));
  weight.scales = Tensor::of(product.scales->data(), DType::f32, 1, whole.rows);
  product.narrow = backend_.allocate(static_cast<size_t>(whole.count()));
  weight.compute = Tensor::of(product.narrow->data(), DType::i8, whole.rows, whole.cols);
  round_weight(whole, backend_.int8_levels(), weight.compute, weight.scales);
  product.plain.reset();
}

void HeldValues::settle() {
  close();
  if (written_) give_back_freed_memory();  // loading left some
  written_ = false;
}

void HeldValues::close() {
  if (!current_) return;
  Product& product = *current_;
  Weight& weight = *product.weight;
  ++weight.version;
  if (product.rounded) round(product);
  product.packed = backend_.pack(weight, product.views);
  weight.packed = product.packed.get();
  if (product.packed) product.narrow.reset(), drop_plain(product);
  current_ = nullptr;
}

bool HeldValues::takes_rows(Product& product, int64_t first, int64_t count) {
  if (product.packed) return (product.scales != nullptr) == product.rounded && backend_.writes_rows(*product.packed, first, count);
  if (product.plain || product.narrow) return false;
  Weight& weight = *product.weight;
  Weight as_packed = weight;
  as_packed.compute.dtype = product.rounded ? DType::i8 : type_;
  std::unique_ptr<PackedWeight> packed = backend_.packed_zeros(as_packed, product.views);
  if (!packed || !backend_.writes_rows(*packed, first, count)) return false;
  product.packed = std::move(packed);
  weight.compute = as_packed.compute;
  weight.packed = product.packed.get();
  if (!product.rounded) return true;
  product.scales = backend_.allocate(static_cast<size_t>(weight.compute.rows) * sizeof(float));
  weight.scales = Tensor::of(product.scales->data(), DType::f32, 1, weight.compute.rows);
  return true;
}

bool HeldValues::write_rows(Product& product, const Parameter& p, ElementSpan at, const Backend::Source& from) {
  Weight& weight = *product.weight;
  const int64_t first = p.offset - product.offset + at.first, width = weight.compute.cols;
  if (current_ == &product || at.count == 0 || first % width != 0 || at.count % width != 0) return false;
  if (!takes_rows(product, first / width, at.count / width)) return false;
  ++weight.version;
  backend_.write_rows(*product.packed, first / width, at.count / width, weight.scales, from);
  return true;
}

bool HeldValues::is_rounded(size_t parameter) const {
  const Product* const product = product_of(parameters_[parameter]);
  return product && product->rounded;
}

void HeldValues::set_rounded(size_t parameter, bool rounded) {
  Product* const product = product_of(parameters_[parameter]);
  if (product && !product->weight->input_major) product->rounded = rounded && rounded_;
}

void HeldValues::initialize(uint64_t seed) {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = parameters_[i];
    const Tensor shape = p.weight.master;
    Product* const product = product_of(p);
    const bool narrow = product || shape.dtype != DType::f32;
    const std::unique_ptr<Buffer> drawn = narrow ? backend_.allocate(static_cast<size_t>(p.count()) * sizeof(float)) : nullptr;
    const Tensor y = narrow ? Tensor::of(drawn->data(), DType::f32, shape.rows, shape.cols) : shape;
    cw::initialize(backend_, p, y, seed, i);
    if (product) open(*product);
    const Tensor to = product ? slice(*product, p, 0, p.count()) : row_of(narrow ? shape : p.weight.compute, 0, p.count());
    if (to && to.data != y.data) backend_.cast({.x = row_of(y, 0, p.count()), .y = to});
    backend_.synchronize();  // before `drawn` goes
  }
  settle();
}

void HeldValues::write(const ParameterSlot& at, const float* from) {
  write(at, [from](float* to, int64_t first, int64_t count) {
    std::copy_n(from + first, count, to);
    return true;
  });
}

void HeldValues::write(const ParameterSlot& at, const Backend::Source& from) {
  demand_value(at, parameters_);
  Parameter& p = parameters_[at.parameter];
  const int64_t count = cut(Tensor::of(kNowhere, DType::f32, 1, p.count()), at.span).count();
  written_ = true;
  Product* const product = product_of(p);
  if (product && write_rows(*product, p, {at.span.first, count}, from)) return;
  if (product) open(*product);
  const bool direct = backend_.uploads_as(place(product, p, 0, 0).dtype);
  const int64_t piece = direct ? std::max<int64_t>(count, 1) : kPiece;
  const std::unique_ptr<Buffer> passing = direct ? nullptr : backend_.allocate(kPiece * sizeof(float));
  for (int64_t done = 0; done < count; done += piece) {
    const int64_t first = at.span.first + done, n = std::min(piece, count - done);
    const Tensor value = place(product, p, first, n);
    const Tensor as_read = direct ? value : Tensor::of(passing->data(), DType::f32, 1, n);
    const auto rest = [&](float* to, int64_t begin, int64_t some) { return from(to, done + begin, some); };
    if (!backend_.upload_from(as_read, rest)) break;
    if (!direct) backend_.cast({.x = as_read, .y = value});
    const bool copied = !product && p.weight.compute && p.weight.compute.data != p.weight.master.data;
    if (copied) backend_.cast({.x = value, .y = row_of(p.weight.compute, first, n)});
  }
  if (passing) backend_.synchronize();  // before it goes
}

void HeldValues::read(const ParameterSlot& at, float* to) {
  demand_value(at, parameters_);
  settle();
  Parameter& p = parameters_[at.parameter];
  const int64_t count = cut(Tensor::of(kNowhere, DType::f32, 1, p.count()), at.span).count(), first = at.span.first;
  Product* const product = product_of(p);
  if (product) give_plain(*product);
  const bool direct = place(product, p, 0, 0).dtype == DType::f32;
  const std::unique_ptr<Buffer> passing = direct ? nullptr : backend_.allocate(kPiece * sizeof(float));
  for (int64_t done = 0; done < count; done += kPiece) {
    const int64_t n = std::min(kPiece, count - done);
    const Tensor held = place(product, p, first + done, n);
    const Tensor value = direct ? held : Tensor::of(passing->data(), DType::f32, 1, n);
    if (!direct) backend_.cast({.x = held, .y = value});
    backend_.download(to + done, value);
  }
  if (product) drop_plain(*product);
}

}  // namespace cw
