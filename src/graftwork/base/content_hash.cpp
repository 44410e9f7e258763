#include "graftwork/base/content_hash.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace graftwork::core {
namespace {

using Lanes = std::array<uint64_t, 4>;

constexpr uint64_t kOdd = 0x9e3779b97f4a7c15ULL;  // 2⁶⁴ / golden ratio

/// Another value for each `word`, and for each `lane`.
uint64_t mixed(uint64_t lane, uint64_t word) {
  const uint64_t product = (lane ^ word) * kOdd;
  return product ^ (product >> 32);
}

void mix(Lanes& lanes, const std::byte* block) {
  Lanes words;
  std::memcpy(words.data(), block, sizeof words);
  for (size_t i = 0; i < lanes.size(); ++i) lanes[i] = mixed(lanes[i], words[i]);
}

}  // namespace

uint64_t content_hash(std::span<const std::byte> bytes) {
  Lanes lanes{1, 2, 3, 4};
  const uint64_t size = bytes.size();
  for (; bytes.size() >= sizeof lanes; bytes = bytes.subspan(sizeof lanes)) mix(lanes, bytes.data());
  std::array<std::byte, sizeof lanes> rest{};
  std::ranges::copy(bytes, rest.begin());
  mix(lanes, rest.data());
  uint64_t hash = size;
  for (int round = 0; round < 2; ++round) {
    for (const uint64_t lane : lanes) hash = mixed(hash, lane);
  }
  return hash;
}

}  // namespace graftwork::core
