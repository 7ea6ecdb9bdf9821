// 128 bits that stand for everything that was added, in its order. That any two of 2^20 different contents have one key has
// a probability of 2^-89.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace cw {

struct Key {
  uint64_t high = 0x9e3779b97f4a7c15, low = 0xd1b54a32d192ed03;
  bool operator==(const Key&) const = default;

  /// A value's bytes, without those of its padding.
  template <class T>
  void add(T value) {
    __builtin_clear_padding(&value);
    add(&value, sizeof(T));
  }
  void add(std::string_view text) { add(text.data(), text.size()); }
  void add(const Key& key) { mix(key.high, key.low); }

  struct Hash {
    size_t operator()(const Key& key) const { return key.low; }
  };

 private:
  void add(const void* data, size_t bytes) {
    const auto* from = static_cast<const std::byte*>(data);
    mix(bytes, 0);  // so that where a value ends counts, and what fills up the last words does not
    for (; bytes >= 16; from += 16, bytes -= 16) mix_at(from, 16);
    if (bytes) mix_at(from, bytes);
  }
  void mix_at(const std::byte* from, size_t bytes) {
    uint64_t words[2] = {};
    std::memcpy(words, from, bytes);
    mix(words[0], words[1]);
  }
  /// A product's both halves, as wyhash mixes: either half of the key depends on both words in its own way.
  void mix(uint64_t x, uint64_t y) {
    const uint64_t before = high;
    high = std::rotl(high, 23) + fold(x ^ 0xa0761d6478bd642f, y ^ high);
    low = std::rotl(low, 41) + fold(y ^ 0xe7037ed1a0b428db, x ^ low) + before;
  }
  static uint64_t fold(uint64_t x, uint64_t y) {
    const auto product = static_cast<unsigned __int128>(x) * y;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
};

}  // namespace cw
