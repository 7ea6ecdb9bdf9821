// What suites about the emulation and the backend on it share.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "core/error.h"

namespace cw::test {

/// An environment variable for one test.
class With {
 public:
  With(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    setenv(name, value, 1);
  }
  ~With() { before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_); }
  With(const With&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

template <class Body>
std::string message(Code code, Body&& body) {
  try {
    body();
  } catch (const Error& e) {
    EXPECT_EQ(e.code, code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

}  // namespace cw::test
