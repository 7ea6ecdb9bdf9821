#include "test/golden.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/error.h"
#include "model/line.h"

namespace cw::test {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw Error(Code::invalid_argument, path + ": " + what + "; npm run pack:card writes it anew");
}

template <class T>
std::vector<T> values_of(std::istream& in, size_t count) {
  std::vector<T> values(count);
  in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(T)));
  in.get();  // the line's end
  return values;
}

}  // namespace

// A line with the model, then for each tensor a line "f32|i32 COUNT KEY" and its values as they lie in memory.
Golden Golden::read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Golden g;
  std::string line;
  if (!std::getline(in, line)) refuse(path, "cannot be read or is empty");
  std::tie(g.name, g.config) = parse_model_line(line);
  while (std::getline(in, line)) {
    std::istringstream head(line);
    std::string type, key;
    size_t count = 0;
    head >> type >> count >> std::ws;
    if (!std::getline(head, key) || (type != "f32" && type != "i32"))
      refuse(path, "expected \"f32|i32 COUNT KEY\", got \"" + line + "\"");
    if (type == "f32")
      g.floats[key] = values_of<float>(in, count);
    else
      g.ids[key] = values_of<int32_t>(in, count);
    if (!in) refuse(path, "ends in the middle of " + key);
  }
  return g;
}

const std::vector<float>& Golden::at(const std::string& key) const {
  const auto found = floats.find(key);
  if (found == floats.end()) refuse(name + ".golden", "has no " + key);
  return found->second;
}

Batch Golden::batch(bool full_context) const {
  const std::string form = full_context ? "full." : "packed.";
  const auto &packed = ids.at(form + "ids"), &offsets = ids.at(form + "offsets"), &pool = ids.at(form + "pool");
  const auto count = static_cast<int64_t>(pool.size());
  return {.images = {.data = at("images").data(), .dtype = DType::f32, .count = count},
          .tokens = {.ids = packed.data(), .offsets = offsets.data(), .pool = pool.data(), .count = count},
          .loss = ids.contains("loss.siglip") ? &siglip() : &mean_info_nce()};
}

std::vector<std::string> golden_files() {
  const char* folder = std::getenv("CLIPWRIGHT_GOLDENS");
  std::vector<std::string> files;
  if (!folder || !*folder) return files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".golden") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace cw::test
