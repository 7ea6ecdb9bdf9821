// Small text files, and paths. By C's and the system's own functions: libstdc++'s streams of files and std::filesystem need a
// newer glibc than what is shipped may.
#pragma once
#include <string>
#include <vector>

namespace cw {

/// Without their ends; none of a file that cannot be read.
std::vector<std::string> read_lines(const std::string& path);
/// Written aside and renamed: a reader finds the old file or the new one. Makes its folders. Whether it could.
bool replace_file(const std::string& path, const std::vector<std::string>& lines);

/// "/a" of "/a/b".
std::string folder_of(const std::string& path);
/// Without links; empty where there is nothing.
std::string real_path(const std::string& path);

}  // namespace cw
