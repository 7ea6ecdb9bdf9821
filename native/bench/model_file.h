// Models as lines of text, for programs without Node: `NAME key=value key=value …`, the fields of ClipConfig by their paths
// (`vision.width=768`). scripts/card/model-lines.mjs writes them from the library's own configurations.
#pragma once
#include <string>

#include "model/config.h"

namespace cw {

/// The line that begins with `name`. Throws invalid_argument: no such file, no such model (lists those that are there), a key
/// that ClipConfig does not have, a value that is no number or none of the names.
ClipConfig read_model(const std::string& path, const std::string& name);

}  // namespace cw
