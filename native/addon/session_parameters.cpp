// A session's parameters: their names, how they begin, and what they and their moments hold.
#include "addon/arguments.h"
#include "engine/names.h"
#include "addon/parameter_list.h"
#include "addon/session_parts.h"

namespace cw {
namespace {

size_t index_argument(int64_t index, const std::vector<ParameterShape>& parameters) {
  if (index < 0 || static_cast<size_t>(index) >= parameters.size())
    bad_argument("index: there is no parameter " + std::to_string(index));
  return static_cast<size_t>(index);
}

/// { index, slot, optimizer?, first?, count? }: the whole parameter by default.
ParameterSlot slot_argument(const Napi::Object& o, const std::vector<ParameterShape>& parameters) {
  ParameterSlot at{.parameter = index_argument(integer_at(o, "index"), parameters),
                   .slot = named_in(kSlots, o.Get("slot"), "slot")};
  if (const auto optimizer = optional_integer_at(o, "optimizer")) at.optimizer = static_cast<int>(*optimizer);
  const int64_t all = parameters[at.parameter].count, first = optional_integer_at(o, "first").value_or(0);
  const int64_t count = optional_integer_at(o, "count").value_or(all - first);
  if (count < 0 || first > all - count)
    bad_argument("elements: expected some of " + std::to_string(all) + ", got " + std::to_string(count) + " from " +
                 std::to_string(first));
  at.span = {.first = first, .count = count};
  return at;
}

void require_count(const char* name, size_t got, int64_t expected) {
  if (static_cast<int64_t>(got) != expected)
    bad_argument(std::string(name) + ": expected " + std::to_string(expected) + " values, got " + std::to_string(got));
}

}  // namespace

Napi::Value SessionObject::parameters(const Napi::CallbackInfo& info) {
  return list_of(info.Env(), parts_->parameters);
}

Napi::Value SessionObject::initialize(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto seed = static_cast<uint64_t>(integer_argument(info, 0));
    return queue(info, [seed](Session& s) { s.initialize(seed); });
  });
}

Napi::Value SessionObject::read(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Object o = object_argument(info, 0);
    const ParameterSlot from = slot_argument(o, parts_->parameters);
    if (!o.Get("into").IsUndefined()) {
      const auto given = array_in_place<float>(o.Get("into"), napi_float32_array, "into");
      require_count("into", given.size(), from.span.count);
      const auto kept = std::make_shared<Napi::ObjectReference>(Napi::Persistent(o.Get("into").As<Napi::Object>()));
      float* const to = const_cast<float*>(given.data());
      return queue(info, [from, to](Session& s) { s.read(from, to); }, [kept](Napi::Env) -> Napi::Value { return kept->Value(); });
    }
    return queue_floats(info, static_cast<size_t>(from.span.count), [from](Session& s, float* to) { s.read(from, to); });
  });
}

Napi::Value SessionObject::write(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Object o = object_argument(info, 0);
    const ParameterSlot to = slot_argument(o, parts_->parameters);
    const auto given = array_in_place<float>(o.Get("data"), napi_float32_array, "data");
    require_count("data", given.size(), to.span.count);
    if (o.Get("inPlace").ToBoolean()) {
      const auto kept = std::make_shared<Napi::ObjectReference>(Napi::Persistent(o.Get("data").As<Napi::Object>()));
      return queue(info, [to, given](Session& s) { s.write(to, given.data()); }, [kept](Napi::Env e) { return e.Undefined(); });
    }
    std::vector<float> values(given.begin(), given.end());
    return queue(info, [to, values = std::move(values)](Session& s) { s.write(to, values.data()); });
  });
}

Napi::Value SessionObject::write_stored(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Object o = object_argument(info, 0);
    const ParameterSlot to = slot_argument(o, parts_->parameters);
    const StoredFloats from{.file = static_cast<int>(integer_at(o, "file")),
                            .position = integer_at(o, "position"),
                            .type = named_in(kStoredTypes, o.Get("dtype"), "dtype")};
    return queue(info, [to, from](Session& s) { return s.write(to, from); });
  });
}

Napi::Value SessionObject::add_adapters(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Object o = object_argument(info, 0);
    AdapterSpec spec{.rank = integer_at(o, "rank"),
                     .scale = static_cast<float>(number_at(o, "scale")),
                     .seed = static_cast<uint64_t>(integer_at(o, "seed"))};
    // What can be asked of the adapters is known at once; they are there when the job has run.
    std::vector<ParameterShape> all = parts_->parameters;
    for (const float index : floats_at(o, "parameters")) {
      const size_t i = index_argument(static_cast<int64_t>(index), parts_->parameters);
      const ParameterShape& base = parts_->parameters[i];
      if (base.shape.size() != 2) bad_argument("parameters: " + base.name + " is no matrix");
      spec.parameters.push_back(i);
      const int64_t out = base.shape[0], in = base.shape[1];
      all.push_back({base.name + ".lora_A", {spec.rank, in}, spec.rank * in});
      all.push_back({base.name + ".lora_B", {out, spec.rank}, out * spec.rank});
    }
    parts_->parameters = std::move(all);
    return queue(info, [spec = std::move(spec)](Session& s) { s.add_adapters(spec); });
  });
}

Napi::Value SessionObject::merge_adapters(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    std::erase_if(parts_->parameters, [](const ParameterShape& p) {
      return p.name.ends_with(".lora_A") || p.name.ends_with(".lora_B");
    });
    return queue(info, [](Session& s) { s.merge_adapters(); });
  });
}

Napi::Value SessionObject::set_trainable(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const size_t index = index_argument(integer_argument(info, 0), parts_->parameters);
    const bool trainable = info[1].ToBoolean();
    return queue(info, [=](Session& s) { s.set_trainable(index, trainable); });
  });
}

Napi::Value SessionObject::set_rounded(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const size_t index = index_argument(integer_argument(info, 0), parts_->parameters);
    const bool rounded = info[1].ToBoolean();
    return queue(info, [=](Session& s) { s.set_rounded(index, rounded); });
  });
}

}  // namespace cw
