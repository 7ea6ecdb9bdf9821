// What suites about the emulation and the backend on it share.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "core/error.h"

namespace cw::test {

/// An environment variable for one test.
class With {
 public:
  With(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~With() { unsetenv(name_); }

 private:
  const char* name_;
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
