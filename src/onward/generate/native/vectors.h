// Vectors of as many floats as a register of this processor holds, in the notation of GCC and Clang (vector_size), which goes for every
// processor: + and * work lane by lane.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__)
inline constexpr int LANES = 16;
#elif defined(__AVX2__)
inline constexpr int LANES = 8;
#else
inline constexpr int LANES = 4;
#endif
typedef float Vec __attribute__((vector_size(LANES * 4)));
typedef int32_t Ints __attribute__((vector_size(LANES * 4)));
typedef uint16_t Halves __attribute__((vector_size(LANES * 2)));
typedef int8_t Bytes __attribute__((vector_size(LANES)));
typedef uint8_t Octets __attribute__((vector_size(LANES)));

template <class V>
inline V load(const void* from) {  // from any address
  V vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

inline void store(float* to, Vec vector) { std::memcpy(to, &vector, sizeof vector); }

inline float sum(Vec vector) {
  float lanes[LANES];
  store(lanes, vector);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

// bf16 is the upper half of a float.
inline Vec widened(Halves halves) { return (Vec)(__builtin_convertvector(halves, Ints) << 16); }

inline float widened(uint16_t half) {
  uint32_t bits = uint32_t(half) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline uint16_t narrowed(float value) {  // to bf16: to nearest, ties to even; a NaN stays one
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// e to the x, to 2 units in the last place, for x from -87 to 88; beyond, as at the border. x = n log 2 + r, then 2^n times the Taylor
// polynomial of e^r, |r| <= log(2) / 2. A NaN stays one.
inline Vec exponential(Vec x) {
  const Vec zero = {}, low = zero - 87.0f, high = zero + 88.0f;
  x = x < low ? low : x;
  x = x > high ? high : x;
  const Vec shift = zero + 12582912.0f;  // 1.5 * 2^23: what is added to it is rounded to a whole number, which stands in its low bits
  Vec shifted = x * 1.44269504f + shift;
  Vec n = shifted - shift;
  Vec r = x - n * 0.693359375f;  // log 2 in two parts, the first of which has few bits, so that its product is exact
  r = r + n * 2.12194440e-4f;
  Vec p = r * (1.0f / 5040) + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  Ints exponent = (Ints)shifted - (Ints)shift;
  return p * (Vec)((exponent + 127) << 23);
}
