#include "model/line.h"

#include <charconv>
#include <map>
#include <sstream>

#include "core/error.h"
#include "model/names.h"

namespace cw {
namespace {

/// The line's fields, each taken once, so that those nobody asked for are left.
class Fields {
 public:
  explicit Fields(const std::string& line) {
    std::istringstream words(line);
    words >> name_;
    for (std::string word; words >> word;) {
      const size_t equals = word.find('=');
      if (equals == std::string::npos) refuse("expected key=value, got \"" + word + "\"");
      values_[word.substr(0, equals)] = word.substr(equals + 1);
    }
    if (name_.empty()) refuse("the line is empty");
  }

  const std::string& name() const { return name_; }
  bool has(const std::string& key) const { return values_.contains(key); }
  bool any_under(const std::string& prefix) const {
    const auto next = values_.lower_bound(prefix);
    return next != values_.end() && next->first.starts_with(prefix);
  }
  std::string text(const std::string& key) {
    const auto found = values_.find(key);
    if (found == values_.end()) refuse("has no " + key);
    std::string value = std::move(found->second);
    values_.erase(found);
    return value;
  }
  int64_t integer(const std::string& key) { return number<int64_t>(key, text(key)); }
  float real(const std::string& key) { return static_cast<float>(number<double>(key, text(key))); }
  bool boolean(const std::string& key) {
    constexpr Named<bool> kTable[] = {{"true", true}, {"false", false}};
    return one_of(kTable, key);
  }
  std::array<float, 3> triple(const std::string& key) {
    std::istringstream list(text(key));
    std::array<float, 3> out{};
    for (float& x : out) {
      std::string part;
      std::getline(list, part, ',');
      x = static_cast<float>(number<double>(key, part));
    }
    return out;
  }
  /// Absent where the model has none.
  std::optional<float> optional_real(const std::string& key) {
    return values_.contains(key) ? std::optional(real(key)) : std::nullopt;
  }
  template <class T, size_t N>
  T one_of(const Named<T> (&table)[N], const std::string& key) {
    return named(table, text(key), key.c_str());
  }
  void skip(const std::string& key) { values_.erase(key); }
  void demand_empty() const {
    if (!values_.empty()) refuse("has " + values_.begin()->first + ", which no model has");
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(Code::invalid_argument, "[model line " + name_ + "] " + what);
  }
  template <class T>
  T number(const std::string& key, const std::string& value) const {
    T out{};
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
    if (error != std::errc() || end != value.data() + value.size()) refuse(key + ": expected a number, got \"" + value + "\"");
    return out;
  }

  std::string name_;
  std::map<std::string, std::string> values_;
};

template <class Config>
void read_tower(Fields& f, const std::string& prefix, Config& c) {
  c.kind = f.text(prefix + "kind");
  c.width = f.integer(prefix + "width");
  c.layers = f.integer(prefix + "layers");
  c.heads = f.integer(prefix + "heads");
  c.mlp_width = f.integer(prefix + "mlpWidth");
  c.act = f.one_of(kActivations, prefix + "activation");
  c.layer_norm_eps = f.real(prefix + "layerNormEps");
}

CausalConfig causal_config(Fields& f) {
  CausalConfig c{.mask = f.boolean("text.causal.mask"),
                 .layer_scale = f.optional_real("text.causal.layerScale"),
                 .projection = f.one_of(kProjections, "text.causal.projection"),
                 .projection_bias = f.boolean("text.causal.projectionBias")};
  // Captions reach the core with their padding and pooled rows.
  for (const char* key : {"pool", "padId", "eosId"}) f.skip(std::string("text.causal.") + key);
  return c;
}

EvaConfig eva_config(Fields& f) {
  EvaConfig c{.qkv = f.one_of(kQueryKeyValues, "vision.eva.qkv"),
              .swiglu = f.boolean("vision.eva.swiglu"),
              .norm_last = f.boolean("vision.eva.normLast"),
              .pool_heads = f.integer("vision.eva.poolHeads"),
              .pool_mlp_width = f.integer("vision.eva.poolMlpWidth")};
  if (f.any_under("vision.eva.rotary."))
    c.rotary = {.reference_grid = f.integer("vision.eva.rotary.referenceGrid"),
                .first_place = f.integer("vision.eva.rotary.firstPlace"),
                .columns_first = f.boolean("vision.eva.rotary.columnsFirst")};
  return c;
}

BertConfig bert_config(Fields& f) {
  BertConfig c{.positions = f.integer("text.bert.positions"),
               .first_position = f.integer("text.bert.firstPosition"),
               .token_types = f.integer("text.bert.tokenTypes"),
               .pooler = f.one_of(kPoolers, "text.bert.pooler"),
               .ln_final = f.boolean("text.bert.lnFinal"),
               .projection = {.kind = f.one_of(kProjections, "text.bert.projection.kind"),
                              .input_major = f.boolean("text.bert.projection.inputMajor"),
                              .init = f.one_of(kDistributions, "text.bert.projection.init")},
               .init_std = f.real("text.bert.initStd"),
               .hidden_dropout = f.real("text.bert.hiddenDropout"),
               .attention_dropout = f.real("text.bert.attentionDropout")};
  f.skip("text.bert.padId");  // captions reach the core without padding
  return c;
}

}  // namespace

std::pair<std::string, ClipConfig> parse_model_line(const std::string& line) {
  Fields f(line);
  ClipConfig c;
  c.embed_dim = f.integer("embedDim");
  c.init_logit_scale = f.real("initLogitScale");
  if (f.has("initLogitBias")) c.init_logit_bias = f.real("initLogitBias");
  read_tower(f, "vision.", c.vision);
  c.vision.image_size = f.integer("vision.imageSize");
  c.vision.patch_size = f.integer("vision.patchSize");
  c.vision.class_token = f.boolean("vision.classToken");
  c.vision.layer_scale = f.optional_real("vision.layerScale");
  c.vision.ln_pre = f.boolean("vision.lnPre");
  c.vision.pool = f.one_of(kImagePools, "vision.pool");
  c.vision.pool_first = f.boolean("vision.poolFirst");
  c.vision.sin_cos_positions = f.boolean("vision.sinCosPositions");
  if (f.any_under("vision.eva.")) c.vision.eva = eva_config(f);
  c.vision.mean = f.triple("vision.mean");
  c.vision.std = f.triple("vision.std");
  read_tower(f, "text.", c.text);
  c.text.context_length = f.integer("text.contextLength");
  c.text.vocab_size = f.integer("text.vocabSize");
  if (f.any_under("text.causal.")) c.text.causal = causal_config(f);
  if (f.any_under("text.bert.")) c.text.bert = bert_config(f);
  f.demand_empty();
  return {f.name(), c};
}

}  // namespace cw
