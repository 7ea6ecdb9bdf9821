// What was found about products, kept in a file of the user's cache folder. A line: card, library's version, shape, then what
// was found; tabs between them.
#pragma once
#include <map>
#include <string>

namespace cw {

using ProductLines = std::map<std::string, std::string>;  // "card, version, shape" to the rest

/// $XDG_CACHE_HOME/clipwright/NAME, or ~/.cache/clipwright/NAME; empty where there is neither.
std::string product_file(const char* name);
/// None of a file that is absent; lines that are damaged are left out.
ProductLines read_product_lines(const std::string& file);
/// Beside what others have written meanwhile. A folder that cannot be written is no error.
void keep_product_line(const std::string& file, const std::string& key, const std::string& rest);

}  // namespace cw
