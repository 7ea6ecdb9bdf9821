#include "model/vision_tower.h"

#include "core/names.h"
#include "model/eva_tower.h"
#include "model/siglip_tower.h"
#include "model/vit_tower.h"

namespace cw {
namespace {

struct Kind {
  void (*validate)(const VisionConfig& config, int64_t embed_dim);
  std::unique_ptr<VisionTower> (*make)(Parameters& parameters, const VisionConfig& config, int64_t embed_dim);
};

template <class Tower>
constexpr Kind kind() {
  return {Tower::validate, [](Parameters& parameters, const VisionConfig& config, int64_t embed_dim) {
            return std::unique_ptr<VisionTower>(std::make_unique<Tower>(parameters, config, embed_dim));
          }};
}

constexpr Named<Kind> kKinds[] = {{"vit", kind<VitTower>()}, {"siglip", kind<SiglipTower>()}, {"eva", kind<EvaTower>()}};

const Kind& kind_of(const VisionConfig& config) { return named(kKinds, config.kind, "[model config] vision.kind"); }

}  // namespace

void validate_vision_tower(const VisionConfig& config, int64_t embed_dim) { kind_of(config).validate(config, embed_dim); }

std::unique_ptr<VisionTower> make_vision_tower(Parameters& parameters, const VisionConfig& config, int64_t embed_dim) {
  return kind_of(config).make(parameters, config, embed_dim);
}

}  // namespace cw
