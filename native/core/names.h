// The names of an enumeration, or of the kinds of something: one table, by which a name is looked up, a value is named, and
// a message lists what is allowed.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "core/error.h"

namespace cw {

template <class T>
struct Named {
  const char* name;
  T value;
};

/// "a, b or c", in the table's order.
template <class T, size_t N>
std::string names_in(const Named<T> (&table)[N]) {
  std::string list;
  for (size_t i = 0; i < N; ++i) list += std::string(i == 0 ? "" : i + 1 == N ? " or " : ", ") + table[i].name;
  return list;
}

/// What the name stands for. Throws invalid_argument: "field: expected a, b or c, got d".
template <class T, size_t N>
const T& named(const Named<T> (&table)[N], std::string_view name, const std::string& field) {
  for (const Named<T>& row : table)
    if (name == row.name) return row.value;
  throw Error(Code::invalid_argument, field + ": expected " + names_in(table) + ", got " + std::string(name));
}

}  // namespace cw
