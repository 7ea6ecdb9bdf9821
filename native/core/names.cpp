#include "core/names.h"

#include "core/error.h"

namespace cw {

std::string listed(const std::vector<const char*>& names) {
  std::string list;
  for (size_t i = 0; i < names.size(); ++i)
    list += std::string(i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return list;
}

void refuse_name(const std::vector<const char*>& names, std::string_view name, const std::string& field) {
  throw Error(Code::invalid_argument, field + ": expected " + listed(names) + ", got " + std::string(name));
}

}  // namespace cw
