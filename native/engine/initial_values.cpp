#include "engine/initial_values.h"

#include "nn/sin_cos.h"

namespace cw {

void initialize(Backend& backend, const Parameter& p, Tensor y, uint64_t seed, uint64_t stream) {
  const Init init = p.init;
  if (init.kind == Init::Kind::constant) {
    backend.fill({.y = y, .value = init.scale});
  } else if (init.kind == Init::Kind::sin_cos) {
    backend.upload(y, sin_cos_positions(y.rows, y.cols).data());
  } else {
    const bool normal = init.kind == Init::Kind::normal;
    backend.random_init({.y = y,
                         .kind = normal ? RandomInit::Kind::normal : RandomInit::Kind::uniform,
                         .a = normal ? 0 : -init.scale,
                         .b = init.scale,
                         .seed = seed,
                         .stream = stream});
  }
}

}  // namespace cw
