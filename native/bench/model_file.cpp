#include "bench/model_file.h"

#include <charconv>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <vector>

#include "core/error.h"
#include "engine/names.h"

namespace cw {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(Code::invalid_argument, "[models] " + what); }

template <class T>
T number_of(const std::string& text, const std::string& key) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) refuse(key + ": expected a number, got '" + text + "'");
  return value;
}

using Setter = std::function<void(const std::string& value, const std::string& key)>;
using Setters = std::map<std::string, Setter>;

template <class T>
Setter number(T& to) {
  return [&to](const std::string& value, const std::string& key) {
    if constexpr (std::is_same_v<T, bool>)
      to = number_of<int>(value, key) != 0;
    else
      to = number_of<T>(value, key);
  };
}
template <class T, size_t N>
Setter one_of(const Named<T> (&table)[N], T& to) {
  return [&table, &to](const std::string& value, const std::string& key) { to = named(table, value, key.c_str()); };
}

template <class Tower>
void add_tower(Setters& all, const std::string& at, Tower& t) {
  all[at + "kind"] = [&t](const std::string& value, const std::string&) { t.kind = value; };
  all[at + "width"] = number(t.width);
  all[at + "layers"] = number(t.layers);
  all[at + "heads"] = number(t.heads);
  all[at + "mlp_width"] = number(t.mlp_width);
  all[at + "activation"] = one_of(kActivations, t.act);
  all[at + "layer_norm_eps"] = number(t.layer_norm_eps);
}

Setters setters_of(ClipConfig& c) {
  Setters all;
  all["embed_dim"] = number(c.embed_dim);
  all["init_logit_scale"] = number(c.init_logit_scale);
  add_tower(all, "vision.", c.vision);
  all["vision.image_size"] = number(c.vision.image_size);
  all["vision.patch_size"] = number(c.vision.patch_size);
  for (size_t i = 0; i < 3; ++i) {
    all["vision.mean." + std::to_string(i)] = number(c.vision.mean[i]);
    all["vision.std." + std::to_string(i)] = number(c.vision.std[i]);
  }
  add_tower(all, "text.", c.text);
  all["text.context_length"] = number(c.text.context_length);
  all["text.vocab_size"] = number(c.text.vocab_size);
  BertConfig& bert = *c.text.bert;
  const std::string at = "text.bert.";
  all[at + "positions"] = number(bert.positions);
  all[at + "first_position"] = number(bert.first_position);
  all[at + "token_types"] = number(bert.token_types);
  all[at + "pooler"] = one_of(kPoolers, bert.pooler);
  all[at + "ln_final"] = number(bert.ln_final);
  all[at + "projection.kind"] = one_of(kProjections, bert.projection.kind);
  all[at + "projection.input_major"] = number(bert.projection.input_major);
  all[at + "projection.init"] = one_of(kDistributions, bert.projection.init);
  all[at + "init_std"] = number(bert.init_std);
  return all;
}

ClipConfig read_line(std::istringstream& fields) {
  ClipConfig c;
  c.text.bert.emplace();
  const Setters setters = setters_of(c);
  bool bert = false;
  for (std::string field; fields >> field;) {
    const size_t equals = field.find('=');
    const std::string key = field.substr(0, equals);
    const auto setter = setters.find(key);
    if (equals == std::string::npos || setter == setters.end()) refuse("expected key=value of a model's fields, got '" + field + "'");
    setter->second(field.substr(equals + 1), key);
    bert = bert || key.starts_with("text.bert.");
  }
  if (!bert) c.text.bert.reset();
  return c;
}

}  // namespace

ClipConfig read_model(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  if (!file) refuse(path + " cannot be read");
  std::string names;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string first;
    if (!(fields >> first)) continue;
    if (first == name) return read_line(fields);
    names += (names.empty() ? "" : ", ") + first;
  }
  refuse("there is no '" + name + "' in " + path + ", which has " + names);
}

}  // namespace cw
