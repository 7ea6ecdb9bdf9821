#include "core/error.h"

namespace cw {

const char* name_of(Code code) {
  switch (code) {
    case Code::invalid_argument: return "ERR_INVALID_ARGUMENT";
    case Code::mismatch: return "ERR_MISMATCH";
    case Code::image: return "ERR_IMAGE";
    case Code::out_of_memory: return "ERR_OUT_OF_MEMORY";
    case Code::device: return "ERR_DEVICE";
    case Code::no_cuda: return "ERR_NO_CUDA";
    case Code::unsupported: return "ERR_UNSUPPORTED";
    case Code::rank: return "ERR_IO";
    case Code::disposed:
    case Code::cancelled: return "ERR_DISPOSED";
  }
  return "ERR_DEVICE";
}

}  // namespace cw
