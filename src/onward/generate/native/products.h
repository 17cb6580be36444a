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

inline constexpr int PARTS = PANEL / LANES;            // vectors of a panel
inline constexpr int TILE = LANES == 16 ? 8 : 2;       // inputs at a time: as many as keep their sums in registers

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

// One panel times B inputs x (B, columns), `stride` apart. out: (B, PANEL). A sum waits for the one before it, so where there are few of
// them side by side, they are spread over several CHAINS.
template <class F, int B>
void times_panel(const Matrix& m, int64_t panel, const float* x, int64_t stride, float* out) {
  constexpr int CHAINS = B * PARTS >= 8 ? 1 : 8 / (B * PARTS);
  const int64_t group = F::SCALED ? GROUP : m.columns, groups = (m.columns + group - 1) / group;
  auto codes = static_cast<const typename F::Code*>(m.codes) + panel * m.columns * PANEL;
  Vec total[B][PARTS] = {};
  for (int64_t g = 0; g < groups; ++g) {
    const int64_t last = std::min(m.columns, (g + 1) * group);
    Vec sums[CHAINS][B][PARTS] = {};
    auto column = [&](int64_t k, Vec (*into)[PARTS]) __attribute__((always_inline)) {
      Vec weights[PARTS];
      F::widen(codes + k * PANEL, weights);
      for (int b = 0; b < B; ++b)
        for (int i = 0; i < PARTS; ++i) into[b][i] += weights[i] * x[b * stride + k];
    };
    int64_t k = g * group;
    for (; k + CHAINS <= last; k += CHAINS)
      for (int c = 0; c < CHAINS; ++c) column(k + c, sums[c]);
    for (; k < last; ++k) column(k, sums[0]);
    Vec scales[PARTS];
    if (F::SCALED) Bf16::widen(m.scales + (panel * groups + g) * PANEL, scales);
    for (int b = 0; b < B; ++b)
      for (int i = 0; i < PARTS; ++i) {
        for (int c = 1; c < CHAINS; ++c) sums[0][b][i] += sums[c][b][i];
        if (F::SCALED) total[b][i] += sums[0][b][i] * scales[i];
        else total[b][i] = sums[0][b][i];
      }
  }
  for (int b = 0; b < B; ++b)
    for (int i = 0; i < PARTS; ++i) store(out + b * PANEL + i * LANES, total[b][i]);
}

template <class F, int B = TILE>
void times_panel(int64_t inputs, const Matrix& m, int64_t panel, const float* x, int64_t stride, float* out) {
  if (inputs == B) return times_panel<F, B>(m, panel, x, stride, out);
  if constexpr (B > 1) times_panel<F, B - 1>(inputs, m, panel, x, stride, out);
}

// Panels of the product with x (batch, stride), one after the other, each for all inputs, so that its weights come from memory once.
// done(b, first, values): rows `first` to `first + PANEL` of the product of input b, the bias added.
template <class F, class Done>
void product(const Matrix& m, Share panels, const float* x, int64_t batch, int64_t stride, Done done) {
  alignas(64) float out[TILE * PANEL];
  for (int64_t panel = panels.first; panel < panels.last; ++panel)
    for (int64_t first = 0; first < batch; first += TILE) {
      const int64_t inputs = std::min<int64_t>(TILE, batch - first);
      times_panel<F>(inputs, m, panel, x + first * stride, stride, out);
      for (int64_t b = 0; b < inputs; ++b) {
        if (m.bias)
          for (int64_t r = 0; r < PANEL; ++r) out[b * PANEL + r] += m.bias[panel * PANEL + r];
        done(first + b, panel * PANEL, out + b * PANEL);
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
