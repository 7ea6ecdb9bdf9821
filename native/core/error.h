// The one exception type of the core. Codes are those of the contract; the addon turns them into ClipwrightError.
#pragma once
#include <stdexcept>
#include <string>

namespace cw {

enum class Code {
  invalid_argument,
  mismatch,
  image,  // a picture's file is damaged
  out_of_memory,
  device,
  no_cuda,
  disposed,
  unsupported,
  rank,       // another rank of the job has ended, or does not fit this one
  cancelled,  // the session is being closed; never reaches a user as such
};

const char* name_of(Code code);

class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message) : std::runtime_error(message), code(code) {}
  const Code code;
};

}  // namespace cw
