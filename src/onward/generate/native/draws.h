// Draws of tokens, as in sampling.py, which is the oracle: argmax(score / temperature + Gumbel noise), the noise a hash of seed, position
// and token. Left out: filters, penalties and forms.
//
// The noise is -log(-log u), so the argmax is the token with the smallest -log(u) * exp(-score / temperature), and -log(u) >= 1 - u. That
// lower bound costs no logarithm: it is worked out in floats for all tokens, and only the few that it does not rule out are looked at in
// doubles.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "vectors.h"

struct Drawn {
  int64_t token;
  float log_prob;  // no number where a score is none, or infinite
};

inline uint64_t mixed(uint64_t x) {  // the finaliser of SplitMix64 (Steele, Lea, Flood 2014)
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

class Draw {
 public:
  Draw(const float* scores, int64_t words) : scores(scores), words(words) {
    highest = scores[0];
    float odd = 0;  // becomes no number where a score is none
    for (int64_t i = 0; i < words; ++i) highest = std::max(highest, scores[i]), odd += scores[i] - scores[i];
    finite = odd == 0;
  }

  Drawn operator()(double temperature, uint64_t seed, uint64_t position) const {
    if (!finite) return {0, NAN};
    const int64_t token = temperature == 0 ? std::find(scores, scores + words, highest) - scores : noisy(temperature, seed, position);
    return {token, scores[token] - highest - std::log(total())};
  }

 private:
  static constexpr uint64_t GAMMA = 0x9E3779B97F4A7C15u;
  static constexpr int64_t CHUNK = 64;
  static constexpr float MARGIN = 1.001f;  // for what the floats round away

  float total() const {  // of exp(score - highest)
    Vec sums = {};
    int64_t i = 0;
    for (; i + LANES <= words; i += LANES) sums += exponential(load<Vec>(scores + i) - highest);
    float rest[LANES];
    std::fill_n(rest, LANES, -INFINITY);
    std::copy(scores + i, scores + words, rest);
    return sum(sums) + sum(exponential(load<Vec>(rest) - highest));
  }

  int64_t noisy(double temperature, uint64_t seed, uint64_t position) const {
    temperature = std::max(temperature, 1e-9);
    const uint64_t stream = mixed(mixed(seed + GAMMA) + position * GAMMA);
    const float colder = float(1 / temperature);
    int64_t best = 0;
    double most = -INFINITY;
    float least = INFINITY;  // of -log(u) * exp((highest - score) / temperature)
    for (int64_t first = 0; first < words; first += CHUNK) {
      const int64_t size = std::min(CHUNK, words - first);
      uint64_t bits[CHUNK];
      float bounds[CHUNK];
      for (int64_t i = 0; i < CHUNK; ++i) bits[i] = mixed(stream + uint64_t(first + i + 1) * GAMMA);
      for (int64_t i = 0; i < CHUNK; ++i) bounds[i] = 1.0f - float(int32_t(bits[i] >> 40) + 1) * 0x1p-24f;  // <= 1 - u
      float far[CHUNK];
      for (int64_t i = 0; i < CHUNK; ++i) far[i] = i < size ? (highest - scores[first + i]) * colder : 88.0f;
      for (int64_t i = 0; i < CHUNK; i += LANES) store(bounds + i, load<Vec>(bounds + i) * exponential(load<Vec>(far + i)));
      for (int64_t i = 0; i < size; ++i) {
        if (bounds[i] > least * MARGIN) continue;
        const double u = (double(bits[i] >> 12) + 0.5) * 0x1p-52, race = -std::log(u);
        const double noisy = double(scores[first + i]) / temperature - std::log(race);
        if (noisy > most) {
          most = noisy, best = first + i;
          least = float(race * std::exp(std::min((double(highest) - scores[best]) / temperature, 80.0)));
        }
      }
    }
    return best;
  }

  const float* scores;
  int64_t words;
  float highest;
  bool finite;
};
