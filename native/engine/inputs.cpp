#include "engine/inputs.h"

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "core/error.h"
#include "nn/rotations.h"

namespace cw {
namespace {

using Indices = std::vector<int32_t>;

/// Rotary positions of an image's rows, which go by their positions.
Tensor rotations_of(Arena& arena, Backend* backend, const VisionConfig& config, int64_t before) {
  const RotaryConfig& rotary = *config.eva->rotary;
  const int64_t grid = config.grid(), channels = config.width / config.heads;
  const Tensor t = arena.take(before + grid * grid, channels, DType::f32);
  if (backend)
    backend->upload(t, square_rotations({.before = before,
                                         .grid = grid,
                                         .channels = channels,
                                         .reference_grid = rotary.reference_grid,
                                         .first_place = rotary.first_place,
                                         .columns_first = rotary.columns_first})
                           .data());
  return t;
}

/// One asked-for row in each sequence.
RowSubset one_row_each(Arena& arena, Backend* backend, const Indices& rows) {
  Indices offsets(rows.size() + 1);
  for (size_t i = 0; i < offsets.size(); ++i) offsets[i] = static_cast<int32_t>(i);
  RowSubset subset;
  subset.rows = put_indices(arena, backend, rows);
  subset.queries = {.offsets = put_indices(arena, backend, offsets), .positions = subset.rows, .max_per_sequence = 1};
  return subset;
}

/// Draws::places of sequences and so many rows; filler rows count as the first one.
Indices places_of(const Indices& offsets, size_t rows) {
  Indices places(2 * rows);
  for (size_t s = 0; s + 1 < offsets.size(); ++s)
    for (int32_t r = offsets[s]; r < offsets[s + 1]; ++r) {
      places[static_cast<size_t>(r)] = static_cast<int32_t>(s);
      places[rows + static_cast<size_t>(r)] = r - offsets[s];
    }
  return places;
}

/// A bound that repeats from batch to batch, as token_bucket does: steps of one bucket are then the same list of ops.
int64_t length_bucket(int64_t longest) { return (longest + 15) / 16 * 16; }

}  // namespace

Tensor put_indices(Arena& arena, Backend* backend, const Indices& values) {
  const Tensor t = arena.take(1, static_cast<int64_t>(values.size()), DType::i32);
  if (backend) backend->upload(t, values.data());
  return t;
}

int64_t token_bucket(int64_t tokens) {
  if (tokens <= 64) return std::max<int64_t>(tokens, 1);
  const int64_t step = int64_t{1} << (std::bit_width(static_cast<uint64_t>(tokens)) - 6);
  return (tokens + step - 1) / step * step;
}

VisionInput vision_input(Arena& arena, Backend* backend, const VisionConfig& config, const HostImages& images,
                         int64_t first, int64_t n) {
  const int64_t patches = config.patches(), kept = images.dropout.kept > 0 ? images.dropout.kept : patches;
  const int64_t before = config.class_token ? 1 : 0, length = before + kept, t = n * length;
  const int64_t values = 3 * config.image_size * config.image_size;
  VisionInput in;
  in.images = arena.take(n, values, images.dtype);
  if (backend) {
    const auto* all = static_cast<const std::byte*>(images.data);
    backend->upload(in.images, all + first * values * static_cast<int64_t>(size_of(images.dtype)));
  }
  Indices source(static_cast<size_t>(t)), positions(static_cast<size_t>(t)), offsets(static_cast<size_t>(n) + 1),
      classes(static_cast<size_t>(n)), chosen(static_cast<size_t>(kept < patches ? n * kept : 0));
  for (int64_t s = 0; s < n; ++s) {
    offsets[s + 1] = static_cast<int32_t>((s + 1) * length);
    classes[s] = static_cast<int32_t>(s * length);
    if (before) source[s * length] = -1;
    const bool some = backend && kept < patches;
    const Indices own = some ? images.dropout.patches_of(static_cast<uint32_t>(images.first + first + s), patches) : Indices{};
    for (int64_t i = 0; i < kept; ++i) {
      const int64_t patch = some ? own[i] : i;
      if (some) chosen[s * kept + i] = static_cast<int32_t>(s * patches + patch);
      source[s * length + before + i] = static_cast<int32_t>(s * kept + i);
      positions[s * length + before + i] = static_cast<int32_t>(before + patch);
    }
  }
  if (!chosen.empty()) in.patches = put_indices(arena, backend, chosen);
  in.source = put_indices(arena, backend, source);
  in.position_ids = put_indices(arena, backend, positions);
  in.sequences = {.offsets = put_indices(arena, backend, offsets), .count = n, .max_length = length};
  in.pooled = one_row_each(arena, backend, classes);
  if (config.eva && config.eva->rotary) in.rotations = rotations_of(arena, backend, config, before);
  if (!config.class_token || config.pool == ImagePool::attention)
    in.pooled.rows = put_indices(arena, backend, Indices(static_cast<size_t>(n)));
  return in;
}

TextInput text_input(Arena& arena, Backend* backend, const TextConfig& config, const HostTokens& tokens, int64_t first,
                     int64_t n) {
  const int32_t begin = tokens.offsets[first], count = tokens.offsets[first + n] - begin;
  const auto t = static_cast<size_t>(token_bucket(count));
  Indices ids(t), positions(t), offsets(static_cast<size_t>(n) + 1), pool(static_cast<size_t>(n));
  std::copy_n(tokens.ids + begin, count, ids.begin());
  int64_t longest = 1;
  for (int64_t s = 0; s < n; ++s) {
    const int32_t from = tokens.offsets[first + s] - begin, to = tokens.offsets[first + s + 1] - begin;
    offsets[s + 1] = to;
    pool[s] = tokens.pool[first + s] - begin;
    for (int32_t i = from; i < to; ++i) positions[i] = i - from + static_cast<int32_t>(config.first_position());
    longest = std::max<int64_t>(longest, to - from);
  }
  TextInput in;
  in.ids = put_indices(arena, backend, ids);
  in.position_ids = put_indices(arena, backend, positions);
  in.sequences = {.offsets = put_indices(arena, backend, offsets), .count = n, .max_length = length_bucket(longest)};
  in.pooled = one_row_each(arena, backend, pool);
  if (tokens.dropout && config.has_dropout()) {
    const auto [seed, step] = *tokens.dropout;
    in.draws.counter = put_indices(arena, backend,
                                   {static_cast<int32_t>(seed), static_cast<int32_t>(seed >> 32), static_cast<int32_t>(step),
                                    static_cast<int32_t>(tokens.first + first)});
    in.draws.places = put_indices(arena, backend, places_of(offsets, t));
    in.draws.places.rows = 2, in.draws.places.cols = in.draws.places.stride = static_cast<int64_t>(t);
  }
  return in;
}

void validate(const HostImages& images, const VisionConfig& config) {
  const int64_t kept = images.dropout.kept;
  if (kept < 0 || kept > config.patches())
    throw Error(Code::invalid_argument, "[images] expected to keep 1 to " + std::to_string(config.patches()) +
                                            " patches, or 0 for all, got " + std::to_string(kept));
}

void validate(const HostTokens& t, const TextConfig& config) {
  const auto fail = [](int64_t s, const std::string& what) {
    throw Error(Code::invalid_argument, "[tokens] caption " + std::to_string(s) + " " + what);
  };
  if (t.count > 0 && t.offsets[0] != 0) fail(0, "must begin at offset 0");
  for (int64_t s = 0; s < t.count; ++s) {
    const int64_t length = int64_t{t.offsets[s + 1]} - t.offsets[s];
    if (length < 1 || length > config.context_length)
      fail(s, "has " + std::to_string(length) + " tokens; expected 1 to " + std::to_string(config.context_length));
    if (t.pool[s] < t.offsets[s] || t.pool[s] >= t.offsets[s + 1]) fail(s, "is pooled outside its own rows");
    for (int32_t i = t.offsets[s]; i < t.offsets[s + 1]; ++i)
      if (t.ids[i] < 0 || t.ids[i] >= config.vocab_size)
        fail(s, "holds id " + std::to_string(t.ids[i]) + "; the vocabulary has " + std::to_string(config.vocab_size));
  }
}

}  // namespace cw
