#include "addon/world.h"

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/environment.h"
#include "dist/world.h"

namespace cw {
namespace {

using Bytes = std::vector<std::byte>;

/// A thread for each channel but the session's, 0: one waits while another talks.
struct Channels {
  std::shared_ptr<World> world;
  std::array<std::shared_ptr<Worker>, kMpiChannels> workers;
  std::array<std::shared_ptr<Group>, kMpiChannels> groups;
};

/// What each rank has, in the order of ranks.
std::vector<Bytes> exchanged(Group& group, const Bytes& own) {
  const auto words_of = [](uint32_t bytes) { return (int64_t{bytes} + 3) / 4; };
  const auto size = static_cast<size_t>(group.ranks().size);
  const auto length = static_cast<uint32_t>(own.size());
  std::vector<uint32_t> lengths(size);
  group.all_gather(&length, std::vector<int64_t>(size, 1), lengths.data());
  std::vector<int64_t> words;
  int64_t all = 0;
  for (const uint32_t bytes : lengths) words.push_back(words_of(bytes)), all += words.back();
  Bytes mine(static_cast<size_t>(words_of(length)) * 4), theirs(static_cast<size_t>(all) * 4);
  std::memcpy(mine.data(), own.data(), own.size());
  group.all_gather(mine.data(), words, theirs.data());
  std::vector<Bytes> parts;
  const std::byte* from = theirs.data();
  for (size_t r = 0; r < size; ++r) {
    parts.emplace_back(from, from + lengths[r]);
    from += words[r] * 4;
  }
  return parts;
}

Napi::Value exchange(const Napi::CallbackInfo& info, const std::shared_ptr<Channels>& channels) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto channel = static_cast<size_t>(integer_argument(info, 0));
    if (channel < 1 || channel >= channels->groups.size()) bad_argument("channel: there is none of this number");
    const auto bytes = std::as_bytes(array_in_place<uint8_t>(info[1], napi_uint8_array, "bytes"));
    auto own = std::make_shared<Bytes>(bytes.begin(), bytes.end());
    auto parts = std::make_shared<std::vector<Bytes>>();
    return Environment::of(info.Env())
        .run(
            info.Env(), channels->workers[channel],
            [channels, channel, own, parts] { *parts = exchanged(*channels->groups[channel], *own); },
            [parts](Napi::Env env) -> Napi::Value {
              auto all = Napi::Array::New(env, parts->size());
              for (uint32_t r = 0; r < parts->size(); ++r) {
                const Bytes& part = (*parts)[r];
                auto array = Napi::Uint8Array::New(env, part.size());
                if (!part.empty()) std::memcpy(array.Data(), part.data(), part.size());
                all.Set(r, array);
              }
              return all;
            });
  });
}

Napi::Value world_object(Napi::Env env, const std::shared_ptr<Channels>& channels) {
  const Ranks ranks = channels->world->ranks();
  auto o = Napi::Object::New(env);
  o.Set("rank", static_cast<double>(ranks.rank));
  o.Set("size", static_cast<double>(ranks.size));
  o.Set("library", channels->world->library());
  o.Set("exchange", Napi::Function::New(env, [channels](const Napi::CallbackInfo& i) { return exchange(i, channels); }));
  o.Set("tellAll", Napi::Function::New(env, [channels](const Napi::CallbackInfo& i) {
          channels->world->tell_all(i[0].As<Napi::String>());
        }));
  o.Set("ended", Napi::Function::New(env, [channels](const Napi::CallbackInfo& i) {
          return Napi::String::New(i.Env(), channels->world->ended());
        }));
  o.Set("leave", Napi::Function::New(env, [channels](const Napi::CallbackInfo& i) -> Napi::Value {
          return Environment::of(i.Env())
              .run(
                  i.Env(), channels->workers[1],
                  [channels] {
                    const Worker::Endless others(*channels->workers[1]);
                    channels->world->leave();
                  },
                  [](Napi::Env e) { return e.Undefined(); });
        }));
  return o;
}

}  // namespace

Napi::Value join_world(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    Environment& environment = Environment::of(env);
    auto channels = std::make_shared<Channels>();
    for (size_t c = 1; c < channels->workers.size(); ++c) channels->workers[c] = environment.start_worker();
    environment.at_close([channels] {
      if (channels->world) channels->world->stop_watching();
    });
    return environment.run(
        env, channels->workers[1],
        [channels] {
          const Worker::Endless others(*channels->workers[1]);
          channels->world = World::join();
          for (size_t c = 1; c < channels->groups.size(); ++c)
            channels->groups[c] = channels->world->group(static_cast<int>(c), &channels->workers[c]->stop_flag());
        },
        [channels](Napi::Env e) { return world_object(e, channels); });
  });
}

}  // namespace cw
