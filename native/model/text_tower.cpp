#include "model/text_tower.h"

#include "core/names.h"
#include "model/bert_tower.h"
#include "model/causal_tower.h"

namespace cw {
namespace {

struct Kind {
  void (*validate)(const TextConfig& config, int64_t embed_dim);
  std::unique_ptr<TextTower> (*make)(Parameters& parameters, const TextConfig& config, int64_t embed_dim);
};

template <class Tower>
constexpr Kind kind() {
  return {Tower::validate, [](Parameters& parameters, const TextConfig& config, int64_t embed_dim) {
            return std::unique_ptr<TextTower>(std::make_unique<Tower>(parameters, config, embed_dim));
          }};
}

constexpr Named<Kind> kKinds[] = {{"causal", kind<CausalTower>()}, {"bert", kind<BertTower>()}};

const Kind& kind_of(const TextConfig& config) { return named(kKinds, config.kind, "[model config] text.kind"); }

}  // namespace

void validate_text_tower(const TextConfig& config, int64_t embed_dim) { kind_of(config).validate(config, embed_dim); }

std::unique_ptr<TextTower> make_text_tower(Parameters& parameters, const TextConfig& config, int64_t embed_dim) {
  return kind_of(config).make(parameters, config, embed_dim);
}

}  // namespace cw
