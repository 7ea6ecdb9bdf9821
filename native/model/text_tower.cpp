#include "model/text_tower.h"

#include "model/bert_tower.h"
#include "model/causal_tower.h"

namespace cw {

std::unique_ptr<TextTower> make_text_tower(Parameters& parameters, const TextConfig& config, int64_t embed_dim) {
  if (config.bert) return std::make_unique<BertTower>(parameters, config, embed_dim);
  return std::make_unique<CausalTower>(parameters, config, embed_dim);
}

}  // namespace cw
