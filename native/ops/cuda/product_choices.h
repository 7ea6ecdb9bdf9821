// Which algorithm was the fastest for a product, kept in a file of the user's cache folder: choices are made with times, and
// another choice may sum in another order, so only what is remembered repeats bit by bit from run to run.
#pragma once
#include <map>
#include <string>

#include "ops/cuda/product_plan.h"

namespace cw {

class ProductChoices {
 public:
  /// Those of this card and library. A file that is absent, damaged or of another form counts as empty.
  ProductChoices(const std::string& card, size_t version);

  /// Null where there is none.
  const ProductAlgorithm* find(const ProductShape& shape) const;
  /// Remembers and writes it.
  void keep(const ProductShape& shape, const ProductAlgorithm& algorithm);

  /// As product_file() says.
  static std::string path();

 private:
  std::string owner_;  // what lines begin with: card, library
  std::map<std::string, ProductAlgorithm> mine_;
};

}  // namespace cw
