// The weights of a model that only encodes: one form of each, without masters, gradients or second copies.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "engine/parameter_values.h"
#include "nn/context.h"

namespace cw {

/// What products read has the compute type, packed where the backend does that; tables and vectors are f32, and biases have
/// a copy in the compute type beside. Rows of a weight are packed as they are written, where the backend can do that; else
/// a weight is packed when the next one is written, so that of one at a time there are two forms in memory.
class HeldValues {
 public:
  /// `encode`: all that is ever done with the model. It is run once without memory, to see which products there are.
  /// `rounded`: to 8 bits, with f32 beside; matrices that lie as [I,O] stay as they are.
  HeldValues(Backend& backend, Parameters& parameters, DType type, bool rounded,
             const std::function<void(const Context&)>& encode);

  /// As ParameterValues; slots other than values are unsupported.
  void initialize(uint64_t seed);
  /// Bytes of all weights, each in its one form; nothing need be written yet. Those in 8 bits are counted as if they were not.
  size_t bytes() const;
  /// For a plan: gives weights that are not written yet addresses without memory, or takes them away again.
  void imagine(bool there);
  /// In f32, as they were rounded to the form that they have.
  void read(const ParameterSlot& from, float* to);
  void write(const ParameterSlot& to, const float* from);
  /// As ParameterValues.
  void write(const ParameterSlot& to, const Backend::Source& from);
  /// To be called before the model runs.
  void settle();

  /// Whether the weight that a parameter is, or is part of, is rounded to 8 bits.
  bool is_rounded(size_t parameter) const;
  /// Whether it is to be, from when it is next written; of matrices [O,I] that products read.
  void set_rounded(size_t parameter, bool rounded);

 private:
  /// A weight that products read: a parameter's, or that of several which are joined.
  struct Product {
    Weight* weight;
    int64_t offset;  // of its first element among all parameters'
    std::vector<WeightView> views;
    std::unique_ptr<Buffer> plain;  // while it is written, and where it is not packed
    std::unique_ptr<PackedWeight> packed;
    bool rounded = false;
    std::unique_ptr<Buffer> narrow, scales;  // of a rounded one: narrow where it is not packed
  };

  void find_products(const std::function<void(const Context&)>& encode);
  void place_others();
  const Product* product_of(const Parameter& p) const;
  Product* product_of(const Parameter& p) { return const_cast<Product*>(std::as_const(*this).product_of(p)); }
  /// Elements of a parameter among those of a product, in its plain form.
  Tensor slice(const Product& product, const Parameter& p, int64_t first, int64_t count) const;
  /// The same of any parameter: where no product reads it, among its master's.
  Tensor place(const Product* product, const Parameter& p, int64_t first, int64_t count) const;
  /// Rows that the backend packs as they come. False: `at` is not made of such.
  bool write_rows(Product& product, const Parameter& p, ElementSpan at, const Backend::Source& from);
  /// Whether the product has its packed form, as it is to be, and rows of that are written by themselves.
  bool takes_rows(Product& product, int64_t first, int64_t count);
  /// Packs what was written whole.
  void close();
  void open(Product& product);
  void give_plain(Product& product);
  void drop_plain(Product& product);
  void round(Product& product);

  Backend& backend_;
  Parameters& parameters_;
  const DType type_;
  const bool rounded_;
  std::vector<Product> products_;
  std::unique_ptr<Buffer> values_, copies_;  // of what no product reads
  Product* current_ = nullptr;               // was written and waits to be packed
  bool written_ = false;                     // since settle()
};

}  // namespace cw
