// A matrix times a few vectors, the weights in the order of packing.py and widened to floats on the way from memory into registers.
#pragma once

#include <algorithm>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "team.h"
#include "vectors.h"

inline constexpr int64_t PANEL = 32;  // rows of a matrix that lie together
inline constexpr int64_t GROUP = 64;  // columns of a row that share a scale, in int8

struct Matrix {
  const void* codes;       // (rows / PANEL, columns, PANEL): a panel is read from its beginning to its end
  const uint16_t* scales;  // int8 only: (rows / PANEL, groups, PANEL) bf16
  const float* bias;       // (rows,) or null
  int64_t rows, columns;   // rows are filled up to a multiple of PANEL
};

inline constexpr int PARTS = PANEL / LANES;  // vectors of a panel
inline constexpr int TILE = LANES == 16 ? 8 : 2;  // inputs at a time: as many as keep their sums in registers

// How the codes of one column of a panel become PARTS vectors of floats, and where in it row r lies.
struct Fp32 {
  using Code = float;
  static constexpr bool SCALED = false;
  static int64_t place(int64_t r) { return r; }
  static float value(Code code) { return code; }
  static void widen(const Code* codes, Vec* to) {
    for (int i = 0; i < PARTS; ++i) to[i] = load<Vec>(codes + i * LANES);
  }
};

// Rows r and r + 16 are neighbours: the lower and the upper half of a 32-bit lane, each one instruction from being a float.
struct Bf16 {
  using Code = uint16_t;
  static constexpr bool SCALED = false;
  static int64_t place(int64_t r) { return 2 * (r % 16) + r / 16; }
  static float value(Code code) { return widened(code); }
  static void widen(const Code* codes, Vec* to) {
    for (int i = 0; i < PARTS / 2; ++i) {
      Ints pairs = load<Ints>(codes + 2 * i * LANES);
      to[i] = (Vec)(pairs << 16);
      to[i + PARTS / 2] = (Vec)(pairs & int32_t(0xffff0000));
    }
  }
};

struct Int8 {
  using Code = int8_t;
  static constexpr bool SCALED = true;
  static int64_t place(int64_t r) { return r; }
  static float value(Code code) { return code; }
  static void widen(const Code* codes, Vec* to) {
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

// N panels times B inputs x (B, columns), `stride` apart. out: (N, B, PANEL). Every sum runs over the columns from the first to the last,
// whatever N and B are, so that what a sequence gives does not depend on its company.
template <class F, int N, int B>
void times(const Matrix& m, int64_t panel, const float* x, int64_t stride, float* out) {
  const int64_t group = F::SCALED ? GROUP : m.columns, groups = (m.columns + group - 1) / group;
  auto codes = static_cast<const typename F::Code*>(m.codes) + panel * m.columns * PANEL;
  Vec total[N][B][PARTS] = {};
  for (int64_t g = 0; g < groups; ++g) {
    Vec sums[N][B][PARTS] = {};
    for (int64_t k = g * group; k < std::min(m.columns, (g + 1) * group); ++k)
      for (int n = 0; n < N; ++n) {
        Vec weights[PARTS];
        F::widen(codes + (n * m.columns + k) * PANEL, weights);
        for (int b = 0; b < B; ++b)
          for (int i = 0; i < PARTS; ++i) sums[n][b][i] += weights[i] * x[b * stride + k];
      }
    for (int n = 0; n < N; ++n) {
      Vec scales[PARTS];
      if (F::SCALED) Bf16::widen(m.scales + ((panel + n) * groups + g) * PANEL, scales);
      for (int b = 0; b < B; ++b)
        for (int i = 0; i < PARTS; ++i) total[n][b][i] = F::SCALED ? total[n][b][i] + sums[n][b][i] * scales[i] : sums[n][b][i];
    }
  }
  for (int n = 0; n < N; ++n)
    for (int b = 0; b < B; ++b)
      for (int i = 0; i < PARTS; ++i) store(out + (n * B + b) * PANEL + i * LANES, total[n][b][i]);
}

// As above, for a number of inputs that is known only now, up to TILE, and as many panels of those before `last` as pay: a sum waits
// for the one before it, so where there are few inputs, there must be several panels. Returns how many.
template <class F, int B = TILE>
int64_t times_some(int64_t inputs, const Matrix& m, int64_t panel, int64_t last, const float* x, int64_t stride, float* out) {
  if constexpr (B > 1)
    if (inputs < B) return times_some<F, B - 1>(inputs, m, panel, last, x, stride, out);
  constexpr int N = B * PARTS >= 8 ? 1 : 8 / (B * PARTS);
  if (last - panel < N) return times<F, 1, B>(m, panel, x, stride, out), 1;
  return times<F, N, B>(m, panel, x, stride, out), N;
}

// The product with x (batch, stride), some panels after the other, each for all inputs, so that its weights come from memory once.
// done(b, first, values): rows `first` to `first + PANEL` of the product of input b, the bias added.
template <class F, class Done>
void product(const Matrix& m, Share panels, const float* x, int64_t batch, int64_t stride, Done done) {
  alignas(64) float out[8 * PANEL];
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
  const int64_t panel = row / PANEL, place = F::place(row % PANEL), groups = (m.columns + GROUP - 1) / GROUP;
  auto codes = static_cast<const typename F::Code*>(m.codes) + panel * m.columns * PANEL;
  for (int64_t k = 0; k < m.columns; ++k) {
    out[k] = F::value(codes[k * PANEL + place]);
    if (F::SCALED) out[k] *= widened(m.scales[(panel * groups + k / GROUP) * PANEL + Bf16::place(row % PANEL)]);
  }
}
