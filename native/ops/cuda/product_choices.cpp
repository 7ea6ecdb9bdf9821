#include "ops/cuda/product_choices.h"

#include <charconv>

#include "ops/cuda/product_file.h"

namespace cw {
namespace {

constexpr char kTab = '\t';

/// A line's rest: the algorithm (hexadecimal, opaque), and its bytes of workspace.
std::string hex(const lt::Algo& algo) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint64_t word : algo.data)
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[word >> shift & 15];
  return text;
}

bool read_number(std::string_view text, int base, auto* to) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *to, base);
  return error == std::errc() && end == text.data() + text.size();
}

bool read(std::string_view text, ProductAlgorithm* to) {
  constexpr size_t kWords = std::size(lt::Algo{}.data), kDigits = 16;
  if (text.size() < kWords * kDigits + 2 || text[kWords * kDigits] != kTab) return false;
  for (size_t i = 0; i < kWords; ++i)
    if (!read_number(text.substr(i * kDigits, kDigits), 16, &to->algo.data[i])) return false;
  return read_number(text.substr(kWords * kDigits + 1), 10, &to->workspace);
}

}  // namespace

std::string ProductChoices::path() { return product_file("products.txt"); }

ProductChoices::ProductChoices(const std::string& card, size_t version)
    : owner_(card + kTab + std::to_string(version) + kTab) {
  for (const auto& [key, rest] : read_product_lines(path()))
    if (ProductAlgorithm algorithm; key.starts_with(owner_) && read(rest, &algorithm))
      mine_.emplace(key.substr(owner_.size()), algorithm);
}

const ProductAlgorithm* ProductChoices::find(const ProductShape& shape) const {
  const auto found = mine_.find(shape.key());
  return found == mine_.end() || found->second.workspace > shape.workspace_limit() ? nullptr : &found->second;
}

void ProductChoices::keep(const ProductShape& shape, const ProductAlgorithm& algorithm) {
  mine_.insert_or_assign(shape.key(), algorithm);
  keep_product_line(path(), owner_ + shape.key(), hex(algorithm.algo) + kTab + std::to_string(algorithm.workspace));
}

}  // namespace cw
