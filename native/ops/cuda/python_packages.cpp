#include "ops/cuda/python_packages.h"

#include <glob.h>

#include <algorithm>
#include <cstdlib>

#include "ops/cuda/text_file.h"

namespace cw {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// The folder of an environment and, where it is one of venv's, of the Python that it was made from.
void add_environment(const std::string& folder, std::vector<std::string>* all) {
  constexpr const char* kPackages = "/lib/python3*/site-packages";
  all->push_back(folder + kPackages);
  for (const std::string& line : read_lines(folder + "/pyvenv.cfg")) {
    const size_t value = line.find_first_not_of(' ', line.find('=') + 1);
    if (line.starts_with("home") && value != std::string::npos) all->push_back(folder_of(line.substr(value)) + kPackages);
  }
}

/// Of the Pythons on the PATH, without running them: beside the link, and beside what it leads to.
void add_pythons(std::vector<std::string>* all) {
  const std::string path = variable("PATH") + ":";
  for (size_t from = 0, end; (end = path.find(':', from)) != std::string::npos; from = end + 1)
    for (const char* name : {"/python3", "/python"}) {
      const std::string python = path.substr(from, end - from) + name, real = real_path(python);
      if (end == from || real.empty()) continue;
      for (const std::string& file : {python, real}) add_environment(folder_of(folder_of(file)), all);
    }
}

}  // namespace

std::vector<std::string> python_packages() {
  std::vector<std::string> all;
  for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"})
    if (const std::string prefix = variable(name); !prefix.empty()) add_environment(prefix, &all);
  add_pythons(&all);
  if (const std::string home = variable("HOME"); !home.empty()) all.push_back(home + "/.local/lib/python3*/site-packages");
  for (const char* pattern : {"/usr/local/lib/python3*/site-packages", "/usr/local/lib/python3*/dist-packages",
                              "/usr/lib/python3*/site-packages", "/usr/lib/python3/dist-packages"})
    all.push_back(pattern);
  std::vector<std::string> once;
  for (const std::string& pattern : all)
    if (std::find(once.begin(), once.end(), pattern) == once.end()) once.push_back(pattern);
  return once;
}

std::vector<std::string> files_of(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> files;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  return files;
}

}  // namespace cw
