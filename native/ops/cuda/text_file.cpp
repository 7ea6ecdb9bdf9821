#include "ops/cuda/text_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace cw {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

std::vector<std::string> read_lines(const std::string& path) {
  std::vector<std::string> lines;
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "re"));
  if (!file) return lines;
  char* line = nullptr;
  size_t capacity = 0;
  for (ssize_t length; (length = getline(&line, &capacity, file.get())) >= 0;) {
    std::string& text = lines.emplace_back(line, static_cast<size_t>(length));
    if (text.ends_with('\n')) text.pop_back();
  }
  std::free(line);
  return lines;
}

bool replace_file(const std::string& path, const std::vector<std::string>& lines) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
    mkdir(path.substr(0, slash).c_str(), 0777);  // one that is there is fine; another reason shows at once
  const std::string aside = path + "." + std::to_string(getpid());
  std::FILE* file = std::fopen(aside.c_str(), "we");
  if (!file) return false;
  bool written = true;
  for (const std::string& line : lines)
    written &= std::fwrite(line.data(), 1, line.size(), file) == line.size() && std::fputc('\n', file) != EOF;
  written &= std::fclose(file) == 0;
  if (written && std::rename(aside.c_str(), path.c_str()) == 0) return true;
  std::remove(aside.c_str());
  return false;
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr), &std::free);
  return real ? real.get() : "";
}

}  // namespace cw
