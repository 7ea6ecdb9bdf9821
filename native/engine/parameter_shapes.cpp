#include "engine/parameter_shapes.h"

namespace cw {

std::vector<ParameterShape> shapes_of(const Parameters& parameters) {
  std::vector<ParameterShape> shapes;
  for (const Parameter& p : parameters) shapes.push_back({p.name, p.shape, p.count(), p.trainable});
  return shapes;
}

std::vector<ParameterShape> shapes_of(const ClipConfig& config) {
  validate(config);
  Parameters parameters;
  const Clip clip(parameters, config);
  return shapes_of(parameters);
}

}  // namespace cw
