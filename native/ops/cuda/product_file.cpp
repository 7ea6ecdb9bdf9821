#include "ops/cuda/product_file.h"

#include <cstdlib>
#include <vector>

#include "ops/cuda/text_file.h"

namespace cw {
namespace {

constexpr char kTab = '\t';

}  // namespace

std::string product_file(const char* name) {
  const std::string file = std::string("/clipwright/") + name;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache == '/') return cache + file;
  if (const char* home = std::getenv("HOME"); home && *home) return std::string(home) + "/.cache" + file;
  return "";
}

ProductLines read_product_lines(const std::string& file) {
  ProductLines lines;
  for (const std::string& line : read_lines(file)) {
    size_t tab = std::string::npos, from = 0;
    for (int field = 0; field < 3; ++field, from = tab + 1)
      if (tab = line.find(kTab, from); tab == std::string::npos) break;
    if (tab != std::string::npos) lines.emplace(line.substr(0, tab), line.substr(tab + 1));
  }
  return lines;
}

void keep_product_line(const std::string& file, const std::string& key, const std::string& rest) {
  if (file.empty()) return;
  ProductLines lines = read_product_lines(file);
  lines.insert_or_assign(key, rest);
  std::vector<std::string> all;
  for (const auto& [k, r] : lines) all.push_back(std::string(k).append(1, kTab).append(r));
  replace_file(file, all);  // without it, another run finds out anew
}

}  // namespace cw
