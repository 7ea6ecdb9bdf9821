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
    const ParameterSlot from = slot_argument(object_argument(info, 0), parts_->parameters);
    return queue_floats(info, static_cast<size_t>(from.span.count), [from](Session& s, float* to) { s.read(from, to); });
  });
}

Napi::Value SessionObject::write(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Object o = object_argument(info, 0);
    const ParameterSlot to = slot_argument(o, parts_->parameters);
    auto values = floats_at(o, "data");
    if (static_cast<int64_t>(values.size()) != to.span.count)
      bad_argument("data: expected " + std::to_string(to.span.count) + " values, got " + std::to_string(values.size()));
    return queue(info, [to, values = std::move(values)](Session& s) { s.write(to, values.data()); });
  });
}

Napi::Value SessionObject::set_trainable(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const size_t index = index_argument(integer_argument(info, 0), parts_->parameters);
    const bool trainable = info[1].ToBoolean();
    return queue(info, [=](Session& s) { s.set_trainable(index, trainable); });
  });
}

}  // namespace cw
