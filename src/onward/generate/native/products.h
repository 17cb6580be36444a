// A matrix times a few vectors, the weights in the order of packing.py and widened on the way from memory into registers. Where they are
// bf16, the inputs are rounded to bf16 too, as torch and everybody else does it: processors multiply such pairs in one instruction.
#pragma once

#include <algorithm>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "team.h"
#include "vectors.h"

inline constexpr int64_t PANEL = 32;  // rows of a matrix that lie together

struct Matrix {
  const void* codes;       // (rows / PANEL, columns, PANEL): a panel is read from its beginning to its end. Pairs: see there
  const uint16_t* scales;  // int8 and int4 only: (rows / PANEL, groups, PANEL) bf16
  const float* bias;       // (rows,) or null
  int64_t rows, columns;   // rows are filled up to a multiple of PANEL
};

inline constexpr int PARTS = PANEL / LANES;  // vectors of a panel
inline constexpr int TILE = LANES == 16 ? 8 : 2;  // inputs at a time: as many as keep their sums in registers

// A format says: how many columns are read in one STEP, and how many CODES they are; how many columns of a row share a scale (GROUP, 0:
// there is none); what a step of a panel is in registers, PARTS of Weights; what an Input of a step is, and how floats become such
// inputs, (rows, steps); how the product of the two is added to a sum.
struct Fp32 {
  using Code = float;
  using Weights = Vec;
  using Input = float;
  static constexpr int STEP = 1, CODES = 1, GROUP = 0;
  static float value(const Code* panel, int64_t column, int64_t row) { return panel[column * PANEL + row]; }
  static const Input* inputs(const float* x, int64_t, int64_t, int64_t&, std::vector<Input>&) { return x; }
  static void open(const Code* codes, Weights* to) {
    for (int i = 0; i < PARTS; ++i) to[i] = load<Vec>(codes + i * LANES);
  }
  static Vec add(Vec sum, Weights weights, Input x) { return sum + weights * x; }
};

// Two neighbours in a row lie together, and are multiplied as bf16, in the lower and the upper half of 32 bits:
// (rows / PANEL, columns / 2, PANEL, 2), an odd last column with a zero beside it.
struct Pairs {
  using Weights = Ints;
  using Input = uint32_t;
  static constexpr int STEP = 2;
  static const Input* inputs(const float* x, int64_t rows, int64_t columns, int64_t& stride, std::vector<Input>& room) {
    const int64_t steps = (columns + 1) / 2;
    room.resize(rows * steps);
    for (int64_t row = 0; row < rows; ++row) narrow(x + row * stride, columns, room.data() + row * steps);
    stride = steps;
    return room.data();
  }
  static Vec add(Vec sum, Weights weights, Input x) {
#if defined(__AVX512BF16__)
    return (Vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)weights, (__m512bh)_mm512_set1_epi32(int(x)));
#else
    sum += (Vec)(weights & int32_t(0xffff0000)) * widened(uint16_t(x >> 16));
    return sum + (Vec)(weights << 16) * widened(uint16_t(x));
#endif
  }
  static void narrow(const float* x, int64_t columns, Input* to) {
    int64_t k = 0;
#if defined(__AVX512BF16__)
    for (; k + 32 <= columns; k += 32) {
      const __m512bh pairs = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + k + 16), _mm512_loadu_ps(x + k));
      std::memcpy(to + k / 2, &pairs, sizeof pairs);
    }
#endif
    for (; k < columns; k += 2) to[k / 2] = narrowed(x[k]) | uint32_t(k + 1 < columns ? narrowed(x[k + 1]) : 0) << 16;
  }
};

struct Bf16 : Pairs {
  using Code = uint16_t;
  static constexpr int CODES = 2, GROUP = 0;
  static float value(const Code* panel, int64_t column, int64_t row) {
    return widened(panel[(column / 2 * PANEL + row) * 2 + column % 2]);
  }
  static void open(const Code* codes, Weights* to) {
    for (int i = 0; i < PARTS; ++i) to[i] = load<Ints>(codes + 2 * i * LANES);
  }
};

// A pair is a byte, its lower four bits the first: 0 to 15 for -8 to 7.
struct Int4 : Pairs {
  using Code = uint8_t;
  static constexpr int CODES = 1, GROUP = 32;
  static float value(const Code* panel, int64_t column, int64_t row) {
    return float((panel[column / 2 * PANEL + row] >> column % 2 * 4 & 15) - 8);
  }
  static void open(const Code* codes, Weights* to) {
    __builtin_prefetch(codes + 1024);
    for (int i = 0; i < PARTS; ++i) {
#if defined(__AVX512BW__)  // the table is looked up with four bits of each half
      const __m512i byte = _mm512_cvtepu8_epi32(load<__m128i>(codes + i * LANES));
      const __m512i halves = _mm512_and_si512(_mm512_or_si512(byte, _mm512_slli_epi32(byte, 12)), _mm512_set1_epi32(0x000f000f));
      to[i] = (Ints)_mm512_permutexvar_epi16(halves, load<__m512i>(AS_BF16));
#else
      const Ints byte = __builtin_convertvector(load<Octets>(codes + i * LANES), Ints);
      const Ints low = (Ints)__builtin_convertvector((byte & 15) - 8, Vec), high = (Ints)__builtin_convertvector((byte >> 4) - 8, Vec);
      to[i] = (low >> 16 & 0xffff) | (high & int32_t(0xffff0000));
#endif
    }
  }
  static constexpr uint16_t AS_BF16[32] = {0xc100, 0xc0e0, 0xc0c0, 0xc0a0, 0xc080, 0xc040, 0xc000, 0xbf80,  // -8 to -1
                                           0x0000, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0, 0x40e0};
};

struct Int8 {
  using Code = int8_t;
  using Weights = Vec;
  using Input = float;
  static constexpr int STEP = 1, CODES = 1, GROUP = 64;
  static float value(const Code* panel, int64_t column, int64_t row) { return panel[column * PANEL + row]; }
  static const Input* inputs(const float* x, int64_t, int64_t, int64_t&, std::vector<Input>&) { return x; }
  static Vec add(Vec sum, Weights weights, Input x) { return sum + weights * x; }
  static void open(const Code* codes, Weights* to) {
    __builtin_prefetch(codes + 1024);  // the processor's own looking ahead does not keep up with so few bytes for so much work
    for (int i = 0; i < PARTS; ++i) {
#if defined(__AVX512F__)  // written out, because GCC 12 converts from bytes lane by lane
      to[i] = (Vec)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load<__m128i>(codes + i * LANES)));
#elif defined(__AVX2__)
      to[i] = (Vec)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)(codes + i * LANES))));
#else
      to[i] = __builtin_convertvector(load<Bytes>(codes + i * LANES), Vec);
#endif
    }
  }
};

// N panels times B inputs x (B, steps), `stride` apart. out: (N, B, PANEL). Every sum runs over the columns from the first to the last,
// whatever N and B are, so that what a sequence gives does not depend on its company.
template <class F, int N, int B>
void times(const Matrix& m, int64_t panel, const typename F::Input* x, int64_t stride, float* out) {
  const int64_t steps = (m.columns + F::STEP - 1) / F::STEP;
  const int64_t group = F::GROUP ? F::GROUP / F::STEP : steps, groups = (steps + group - 1) / group;
  auto codes = static_cast<const typename F::Code*>(m.codes) + panel * steps * F::CODES * PANEL;
  Vec total[N][B][PARTS] = {};
  for (int64_t g = 0; g < groups; ++g) {
    Vec sums[N][B][PARTS] = {};
    for (int64_t k = g * group; k < std::min(steps, (g + 1) * group); ++k)
      for (int n = 0; n < N; ++n) {
        typename F::Weights weights[PARTS];
        F::open(codes + (n * steps + k) * F::CODES * PANEL, weights);
        for (int b = 0; b < B; ++b)
          for (int i = 0; i < PARTS; ++i) sums[n][b][i] = F::add(sums[n][b][i], weights[i], x[b * stride + k]);
      }
    for (int n = 0; n < N; ++n)
      for (int i = 0; i < PARTS; ++i) {
        Vec scales = {};
        if (F::GROUP) scales = widened(load<Halves>(m.scales + ((panel + n) * groups + g) * PANEL + i * LANES));
        for (int b = 0; b < B; ++b) total[n][b][i] = F::GROUP ? total[n][b][i] + sums[n][b][i] * scales : sums[n][b][i];
      }
  }
  for (int n = 0; n < N; ++n)
    for (int b = 0; b < B; ++b)
      for (int i = 0; i < PARTS; ++i) store(out + (n * B + b) * PANEL + i * LANES, total[n][b][i]);
}

// As above, for a number of inputs that is known only now, up to TILE, and as many panels of those before `last` as pay: a sum waits
// for the one before it, so where there are few inputs, there must be several panels. Returns how many.
template <class F, int B = TILE>
int64_t times_some(int64_t inputs, const Matrix& m, int64_t panel, int64_t last, const typename F::Input* x, int64_t stride, float* out) {
  if constexpr (B > 1)
    if (inputs < B) return times_some<F, B - 1>(inputs, m, panel, last, x, stride, out);
  constexpr int N = B * PARTS >= 8 ? 1 : 8 / (B * PARTS);
  if (last - panel < N) return times<F, 1, B>(m, panel, x, stride, out), 1;
  return times<F, N, B>(m, panel, x, stride, out), N;
}

// The product with x (batch, stride), some panels after the other, each for all inputs, so that its weights come from memory once.
// done(b, first, values): rows `first` to `first + PANEL` of the product of input b, the bias added.   room: for the inputs as the format
// has them; each thread makes its own, which costs less than meeting once more.
template <class F, class Done>
void product(const Matrix& m, Share panels, const float* from, int64_t batch, int64_t stride, std::vector<typename F::Input>& room,
             Done done) {
  alignas(64) float out[8 * PANEL];
  const typename F::Input* x = F::inputs(from, batch, m.columns, stride, room);
  for (int64_t panel = panels.first, some; panel < panels.last; panel += some)
    for (int64_t first = 0; first < batch; first += TILE) {
      const int64_t inputs = std::min<int64_t>(TILE, batch - first), last = batch > TILE ? panel + 1 : panels.last;
      some = times_some<F>(inputs, m, panel, last, x + first * stride, stride, out);
      for (int64_t n = 0; n < some; ++n)
        for (int64_t b = 0; b < inputs; ++b) {
          float* values = out + (n * inputs + b) * PANEL;
          if (m.bias)
            for (int64_t r = 0; r < PANEL; ++r) values[r] += m.bias[(panel + n) * PANEL + r];
          done(first + b, (panel + n) * PANEL, values);
        }
    }
}

template <class F>
void embed(const Matrix& m, int64_t row, float* out) {
  const int64_t panel = row / PANEL, steps = (m.columns + F::STEP - 1) / F::STEP;
  auto codes = static_cast<const typename F::Code*>(m.codes) + panel * steps * F::CODES * PANEL;
  for (int64_t k = 0; k < m.columns; ++k) {
    out[k] = F::value(codes, k, row % PANEL);
    if constexpr (F::GROUP > 0) {
      const int64_t groups = (m.columns + F::GROUP - 1) / F::GROUP;
      out[k] *= widened(m.scales[(panel * groups + k / F::GROUP) * PANEL + row % PANEL]);
    }
  }
}
