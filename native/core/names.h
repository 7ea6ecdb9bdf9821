// The names of an enumeration, or of the kinds of something: one table, by which a name is looked up, a value is named, and
// a message lists what is allowed.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cw {

template <class T>
struct Named {
  const char* name;
  T value;
};

/// "a, b or c".
std::string listed(const std::vector<const char*>& names);
/// Throws invalid_argument: "field: expected a, b or c, got d".
[[noreturn]] void refuse_name(const std::vector<const char*>& names, std::string_view name, const std::string& field);

/// What the name stands for. Throws invalid_argument, listing the names in the table's order.
template <class T, size_t N>
const T& named(const Named<T> (&table)[N], std::string_view name, const char* field) {
  std::vector<const char*> names;
  for (const Named<T>& row : table) {
    if (name == row.name) return row.value;
    names.push_back(row.name);
  }
  refuse_name(names, name, field);
}

}  // namespace cw
