// Where the wheels lie that PyTorch and others install for Python, and with them NVIDIA's libraries.
#pragma once
#include <string>
#include <vector>

namespace cw {

/// Patterns for folders of site-packages, of the active environment first.
std::vector<std::string> python_packages();
/// The files that a pattern of the shell's matches.
std::vector<std::string> files_of(const std::string& pattern);

}  // namespace cw
