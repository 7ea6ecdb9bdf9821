// A model as a line of text, for programs without JSON: "NAME key=value …", the keys those of lib/native/model.ts with dots
// between ("vision.width=768"), three numbers with commas. scripts/card/models.mjs writes it.
#pragma once
#include <string>
#include <utility>

#include "model/config.h"

namespace cw {

/// Name and model. Every field must be there. Throws invalid_argument naming the key that is missing, unknown or no number.
std::pair<std::string, ClipConfig> parse_model_line(const std::string& line);

}  // namespace cw
