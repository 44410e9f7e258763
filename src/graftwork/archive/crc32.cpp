#include "graftwork/archive/crc32.h"

#include <zlib.h>

#include <array>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace graftwork::core::zip {
namespace {

uint32_t checksum_by_zlib(std::span<const std::byte> bytes, uint32_t before) {
  if (bytes.empty()) return before;  // zlib begins anew where there is no address
  return static_cast<uint32_t>(::crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

#if defined(__x86_64__)

/// xⁿ mod P, the bit of the highest power first, as a factor of a product of 64 bits each.
constexpr uint64_t power(int n) {
  constexpr uint32_t kPolynomial = 0xedb88320;
  uint32_t value = uint32_t{1} << 31;
  for (int i = 0; i < n; ++i) value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
  return uint64_t{value} << 1;
}

/// 128 bits of a message, `distance` bits further on: what they weigh there, by their two halves (V. Gopal et al.,
/// "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel, 2009).
struct Factors {
  uint64_t low;
  uint64_t high;
};
constexpr Factors factors(int distance) { return {power(distance + 32), power(distance - 32)}; }

constexpr size_t kVector = 16;
constexpr size_t kVectors = 4;  // side by side, as many multiplications as a processor has under way

using Vector = __m128i;

__attribute__((target("pclmul,sse4.1"))) inline Vector moved(Vector value, Vector by) {
  return _mm_xor_si128(_mm_clmulepi64_si128(value, by, 0x00), _mm_clmulepi64_si128(value, by, 0x11));
}

/// `bytes` is at least kVectors * kVector long.
__attribute__((target("pclmul,sse4.1"))) uint32_t checksum_by_products(std::span<const std::byte> bytes,
                                                                       uint32_t before) {
  constexpr Factors kFar = factors(kVectors * kVector * 8);
  constexpr Factors kNear = factors(kVector * 8);
  static_assert(kFar.low == 0x154442bd4 && kFar.high == 0x1c6e41596 && kNear.low == 0x1751997d0);
  const auto next = [&bytes]() __attribute__((target("pclmul,sse4.1"))) {
    const Vector value = _mm_loadu_si128(reinterpret_cast<const Vector*>(bytes.data()));
    bytes = bytes.subspan(kVector);
    return value;
  };
  Vector sums[kVectors];
  for (Vector& sum : sums) sum = next();
  sums[0] = _mm_xor_si128(sums[0], _mm_cvtsi32_si128(static_cast<int>(~before)));
  const Vector far = _mm_set_epi64x(static_cast<int64_t>(kFar.high), static_cast<int64_t>(kFar.low));
  while (bytes.size() >= kVectors * kVector) {
    for (Vector& sum : sums) sum = _mm_xor_si128(moved(sum, far), next());
  }
  const Vector near = _mm_set_epi64x(static_cast<int64_t>(kNear.high), static_cast<int64_t>(kNear.low));
  Vector sum = sums[0];
  for (size_t i = 1; i < kVectors; ++i) sum = _mm_xor_si128(moved(sum, near), sums[i]);
  while (bytes.size() >= kVector) sum = _mm_xor_si128(moved(sum, near), next());
  // A message of 16 bytes that leaves the remainder of all that came before; zlib begins with ~0 unless told so.
  std::array<std::byte, kVector> rest;
  _mm_storeu_si128(reinterpret_cast<Vector*>(rest.data()), sum);
  return checksum_by_zlib(bytes, checksum_by_zlib(rest, ~uint32_t{0}));
}

bool has_products() {
  static const bool has = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  return has;
}

#endif

}  // namespace

uint32_t checksum(std::span<const std::byte> bytes, uint32_t before) {
#if defined(__x86_64__)
  if (bytes.size() >= kVectors * kVector && has_products()) return checksum_by_products(bytes, before);
#endif
  return checksum_by_zlib(bytes, before);
}

}  // namespace graftwork::core::zip
