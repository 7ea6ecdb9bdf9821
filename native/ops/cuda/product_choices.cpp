#include "ops/cuda/product_choices.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace cw {
namespace {

// A line: card, library's version, shape, algorithm (hexadecimal, opaque), bytes of workspace; tabs between them.
using Lines = std::map<std::string, std::string>;  // "card, version, shape" to the rest

constexpr char kTab = '\t';

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

Lines read_file(const std::string& path) {
  Lines lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    size_t tab = std::string::npos;
    for (int field = 0, from = 0; field < 3; ++field, from = static_cast<int>(tab) + 1)
      if (tab = line.find(kTab, static_cast<size_t>(from)); tab == std::string::npos) break;
    if (tab != std::string::npos) lines.emplace(line.substr(0, tab), line.substr(tab + 1));
  }
  return lines;
}

/// Written aside and renamed: a reader finds the old file or the new one.
void write_file(const std::string& path, const Lines& lines) {
  std::error_code ignored;
  const std::filesystem::path to(path), aside(path + "." + std::to_string(getpid()));
  std::filesystem::create_directories(to.parent_path(), ignored);
  std::ofstream file(aside);
  for (const auto& [key, rest] : lines) file << key << kTab << rest << '\n';
  file.close();
  if (file) std::filesystem::rename(aside, to, ignored);
  if (!file || ignored) std::filesystem::remove(aside, ignored);
}

}  // namespace

std::string ProductChoices::path() {
  constexpr const char* kFile = "/clipwright/products.txt";
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache == '/') return std::string(cache) + kFile;
  if (const char* home = std::getenv("HOME"); home && *home) return std::string(home) + "/.cache" + kFile;
  return "";
}

ProductChoices::ProductChoices(const std::string& card, size_t version)
    : owner_(card + kTab + std::to_string(version) + kTab) {
  for (const auto& [key, rest] : read_file(path()))
    if (ProductAlgorithm algorithm; key.starts_with(owner_) && read(rest, &algorithm))
      mine_.emplace(key.substr(owner_.size()), algorithm);
}

const ProductAlgorithm* ProductChoices::find(const ProductShape& shape) const {
  const auto found = mine_.find(shape.key());
  return found == mine_.end() || found->second.workspace > shape.workspace_limit() ? nullptr : &found->second;
}

void ProductChoices::keep(const ProductShape& shape, const ProductAlgorithm& algorithm) {
  mine_.insert_or_assign(shape.key(), algorithm);
  const std::string file = path();
  if (file.empty()) return;
  Lines lines = read_file(file);
  lines.insert_or_assign(owner_ + shape.key(), hex(algorithm.algo) + kTab + std::to_string(algorithm.workspace));
  write_file(file, lines);
}

}  // namespace cw
