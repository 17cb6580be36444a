// One decode step of the trunk (model/trunk.py, which is the oracle): each of B rows is a new token, of a sequence of its own or several of
// one; its key and value go into the sequence's pages, and the scores of the token after it come out. Why C++: a step of a small model is a hundred small products,
// and in Python each of them costs more than its arithmetic; in a large model, each weight must be read once, and as fast as memory
// gives it.
//
// Plain C++20 that knows nothing of Python and torch. The structures in section 1 are mirrored in step.py. Errors are returned as text.
// Left out: experts, LayerNorm, learned positions, ungated feed-forward (Native.of refuses them in words).

#include <pthread.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "draws.h"
#include "products.h"
#include "team.h"
#include "vectors.h"

namespace {

// --- 1. What Python hands over --------------------------------------------------------------------------------------------------------

constexpr int64_t PAGE = 16;  // tokens of a block of the cache

struct Layer {
  const float *attention_norm, *q_norm, *k_norm, *feed_forward_norm;  // q_norm, k_norm: or null
  Matrix qkv, out, gate_up, down;                                     // gate_up: a panel of gate, a panel of up, and so on
  int64_t window;                                                     // 0: none
};

enum Format : int64_t { FP32, BF16, INT8 };

struct Model {
  int64_t format, vocab, width, depth, heads, kv_heads, head_size;
  float eps, rope_factor;
  const float *frequencies, *norm;  // frequencies: (head_size / 2,), or null for no RoPE
  Matrix embedding, head;
  const Layer* layers;
};

struct Call {
  int64_t batch, scores, table_width, blocks, cells_are_bf16, threads;
  const int64_t *ids, *slots;  // (B,): where in its sequence a row's key and value go
  const uint64_t* unseen;      // (B,): bit i: the row does not see the slot 1 + i before its own, which is of another branch of a draft
  const int64_t* scored;       // (scores,): rows of which scores are wanted
  const int32_t* tables;       // (B, table_width)
  void *keys, *values;         // (depth, blocks, kv_heads, PAGE, head_size)
  float *logits, *hidden;      // (scores, vocab), and what they come from, (scores, width)
};

// The place of a token in its text: in a tree of drafts, only those before it that it sees are before it.
int64_t position(const Call& c, int64_t b) { return c.slots[b] - __builtin_popcountll(c.unseen[b]); }

// --- 2. The small steps of a block ----------------------------------------------------------------------------------------------------

void rms_norm(const float* x, const float* weight, float eps, int64_t width, float* out) {
  Vec squares = {};
  int64_t i = 0;
  for (; i + LANES <= width; i += LANES) squares += load<Vec>(x + i) * load<Vec>(x + i);
  float total = sum(squares);
  for (; i < width; ++i) total += x[i] * x[i];
  const float scale = 1.0f / std::sqrt(total / float(width) + eps);
  for (i = 0; i < width; ++i) out[i] = weight[i] * (x[i] * scale);
}

// x: (head_size,), in the half-split layout; turns: cos (head_size / 2,), then sin
void rotate(float* x, const float* turns, int64_t half) {
  for (int64_t i = 0; i < half; ++i) {
    const float first = x[i], second = x[i + half], cos = turns[i], sin = turns[i + half];
    x[i] = first * cos - second * sin;
    x[i + half] = second * cos + first * sin;
  }
}

void times_silu(float* gate, const float* up) {  // (PANEL,): gate becomes silu(gate) * up
  for (int64_t i = 0; i < PANEL; i += LANES) {
    Vec g = load<Vec>(gate + i);
    store(gate + i, g / (exponential(-g) + 1.0f) * load<Vec>(up + i));
  }
}

// What the cache holds: floats, or bf16.
inline Vec cells(const float* from) { return load<Vec>(from); }
inline Vec cells(const uint16_t* from) { return widened(load<Halves>(from)); }
inline float cell(float value) { return value; }
inline float cell(uint16_t value) { return widened(value); }
inline void put(float* to, float value) { *to = value; }
inline void put(uint16_t* to, float value) { *to = narrowed(value); }

// Scores of a block: the products of `query` with its PAGE keys, also with those that hold rubbish. The query is scaled already.
template <class Cell>
void scores_of(const float* query, const Cell* keys, int64_t size, float* scores) {
  const int64_t whole = size - size % LANES;
  for (int64_t first = 0; first < PAGE; first += LANES) {
    Vec products[LANES];
    for (int t = 0; t < LANES; ++t) {
      const Cell* key = keys + (first + t) * size;
      products[t] = Vec{};
      for (int64_t i = 0; i < whole; i += LANES) products[t] += load<Vec>(query + i) * cells(key + i);
    }
    store(scores + first, sums(products));
  }
  for (int64_t t = 0; t < PAGE; ++t)
    for (int64_t i = whole; i < size; ++i) scores[t] += query[i] * cell(keys[t * size + i]);
}

// N vectors of the values of tokens `first` to before `last` of a block, each times its share, are added to `mixed`.
template <int N, class Cell>
void mix_some(const float* shares, const Cell* values, int64_t first, int64_t last, int64_t size, float* mixed) {
  Vec sums[N];
  for (int n = 0; n < N; ++n) sums[n] = load<Vec>(mixed + n * LANES);
  for (int64_t t = first; t < last; ++t)
    for (int n = 0; n < N; ++n) sums[n] += cells(values + t * size + n * LANES) * shares[t];
  for (int n = 0; n < N; ++n) store(mixed + n * LANES, sums[n]);
}

// The same of whole values. Several vectors at a time, since each sum waits for the one before it.
template <class Cell>
void mix(const float* shares, const Cell* values, int64_t first, int64_t last, int64_t size, float* mixed) {
  int64_t i = 0;
  for (; i + 4 * LANES <= size; i += 4 * LANES) mix_some<4>(shares, values + i, first, last, size, mixed + i);
  for (; i + LANES <= size; i += LANES) mix_some<1>(shares, values + i, first, last, size, mixed + i);
  for (; i < size; ++i)
    for (int64_t t = first; t < last; ++t) mixed[i] += cell(values[t * size + i]) * shares[t];
}

// Asks for what will be read soon: blocks lie anywhere, so the processor cannot see them coming.
template <class Cell>
void fetch(const Cell* from, int64_t count) {
  for (int64_t i = 0; i < count; i += 64 / sizeof(Cell)) __builtin_prefetch(from + i);
}

// Of a multiple of LANES scores, in place. What must not be seen has minus infinity, and gets a share of 0. The shares are added up one
// after the other, so that what is not seen, as other branches of a draft, changes nothing, not even the order of the sum.
void softmax(float* scores, int64_t size) {
  Vec highs = load<Vec>(scores);
  for (int64_t i = LANES; i < size; i += LANES) highs = load<Vec>(scores + i) > highs ? load<Vec>(scores + i) : highs;
  float highest = highs[0], total = 0;
  for (int lane = 1; lane < LANES; ++lane) highest = std::max(highest, highs[lane]);
  for (int64_t i = 0; i < size; i += LANES) {
    const Vec score = load<Vec>(scores + i), share = exponential(score - highest);
    store(scores + i, score == -INFINITY ? Vec{} : share);
    for (int lane = 0; lane < LANES; ++lane) total += scores[i + lane];
  }
  const float whole = 1.0f / total;
  for (int64_t i = 0; i < size; ++i) scores[i] *= whole;
}

// --- 3. The step ----------------------------------------------------------------------------------------------------------------------

int64_t filled_up(int64_t rows) { return (rows + PANEL - 1) / PANEL * PANEL; }

struct Scratch {  // rows are inputs
  std::vector<float> x, turns, qkv, mixed, hidden;
  struct Own {
    std::vector<float> normed, scores;
  };
  std::vector<Own> own;  // of each thread
};

template <class F, class Cell>
class Step {
 public:
  Step(const Model& model, const Call& call, Scratch& scratch, Team& team) : m(model), c(call), s(scratch), team(team) {
    half = m.head_size / 2;
    queries = m.heads * m.head_size;
    qkv_stride = filled_up(queries + 2 * m.kv_heads * m.head_size);
    hidden_stride = m.depth ? m.layers[0].gate_up.rows / 2 : 0;
    s.x.resize(c.batch * filled_up(m.width));
    s.turns.resize(c.batch * m.head_size);
    s.qkv.resize(c.batch * qkv_stride);
    s.mixed.resize(c.batch * queries);
    s.hidden.resize(c.batch * hidden_stride);
    s.own.resize(team.size);
    const int64_t longest = *std::max_element(c.slots, c.slots + c.batch) + 1;
    for (auto& own : s.own) {
      own.normed.resize(std::max(c.batch, c.scores) * m.width);
      own.scores.resize(m.heads / m.kv_heads * (longest + PAGE));
    }
  }

  // What each thread does. Between two meetings it writes only what is its own share.
  void operator()(int thread) {
    begin(share(c.batch, thread));
    team.meet();
    for (int64_t n = 0; n < m.depth; ++n) {
      const Layer& layer = m.layers[n];
      const Share heads = share(c.batch * m.kv_heads, thread);
      project(layer, thread);
      team.meet();
      place(layer, n, heads);
      if (c.batch > 1) team.meet();  // rows may be tokens of one sequence, each of which sees the keys of those before it
      attend(layer, n, heads, thread);
      team.meet();
      add(layer.out, s.mixed.data(), queries, thread);
      team.meet();
      feed_forward(layer, thread);
      team.meet();
      add(layer.down, s.hidden.data(), hidden_stride, thread);
      team.meet();
    }
    score(thread);
  }

 private:
  Share share(int64_t things, int thread) const { return Share(things, thread, team.size); }
  float* x(int64_t b) { return s.x.data() + b * filled_up(m.width); }
  float* qkv(int64_t b) { return s.qkv.data() + b * qkv_stride; }

  void begin(Share rows) {
    for (int64_t b = rows.first; b < rows.last; ++b) {
      embed<F>(m.embedding, c.ids[b], x(b));
      if (!m.frequencies) continue;
      float* turns = s.turns.data() + b * m.head_size;
      for (int64_t i = 0; i < half; ++i) {
        const float angle = float(position(c, b)) * m.frequencies[i];
        turns[i] = std::cos(angle) * m.rope_factor;
        turns[i + half] = std::sin(angle) * m.rope_factor;
      }
    }
  }

  // Every thread for itself: it costs less than meeting once more.
  const float* normed(const float* weight, int thread) {
    float* out = s.own[thread].normed.data();
    for (int64_t b = 0; b < c.batch; ++b) rms_norm(x(b), weight, m.eps, m.width, out + b * m.width);
    return out;
  }

  void project(const Layer& layer, int thread) {
    const float* in = normed(layer.attention_norm, thread);
    product<F>(layer.qkv, share(layer.qkv.rows / PANEL, thread), in, c.batch, m.width,
               [&](int64_t b, int64_t first, const float* values) { std::copy_n(values, PANEL, qkv(b) + first); });
  }

  void finish_head(float* head, const float* norm, int64_t b) {
    if (norm) rms_norm(head, norm, m.eps, m.head_size, head);
    if (m.frequencies) rotate(head, s.turns.data() + b * m.head_size, half);
  }

  Cell* page(void* cells, int64_t layer, int64_t b, int64_t slot, int64_t head) const {
    const int64_t block = c.tables[b * c.table_width + slot / PAGE];
    return static_cast<Cell*>(cells) + (((layer * c.blocks + block) * m.kv_heads + head) * PAGE + slot % PAGE) * m.head_size;
  }

  // Norms and angles of queries and keys; the new keys and values into their pages. `heads`: of all rows, one after the other.
  void place(const Layer& layer, int64_t n, Share heads) {
    const int64_t group = m.heads / m.kv_heads;
    const float scale = 1.0f / std::sqrt(float(m.head_size));
    for (int64_t task = heads.first; task < heads.last; ++task) {
      const int64_t b = task / m.kv_heads, head = task % m.kv_heads;
      for (int64_t q = head * group; q < (head + 1) * group; ++q) {
        float* query = qkv(b) + q * m.head_size;
        finish_head(query, layer.q_norm, b);
        for (int64_t i = 0; i < m.head_size; ++i) query[i] *= scale;  // of the scores, once for all keys
      }
      float* key = qkv(b) + queries + head * m.head_size;
      const float* value = key + m.kv_heads * m.head_size;
      finish_head(key, layer.k_norm, b);
      Cell *k = page(c.keys, n, b, c.slots[b], head), *v = page(c.values, n, b, c.slots[b], head);
      for (int64_t i = 0; i < m.head_size; ++i) put(k + i, key[i]), put(v + i, value[i]);
    }
  }

  // softmax(q K^T) V of the query heads that share a key head, block by block. `heads`: as above.
  void attend(const Layer& layer, int64_t n, Share heads, int thread) {
    const int64_t group = m.heads / m.kv_heads, size = m.head_size;
    for (int64_t task = heads.first; task < heads.last; ++task) {
      const int64_t b = task / m.kv_heads, head = task % m.kv_heads, end = c.slots[b] + 1;
      const int64_t begin = layer.window ? std::max<int64_t>(0, position(c, b) + 1 - layer.window) : 0;
      const int64_t start = begin / PAGE * PAGE, room = (end - start + PAGE - 1) / PAGE * PAGE;  // in whole blocks
      const float* query = qkv(b) + head * group * size;
      float *scores = s.own[thread].scores.data(), *mixed = s.mixed.data() + b * queries + head * group * size;
      for (int64_t t = start; t < end; t += PAGE) {
        if (t + PAGE < end) fetch(page(c.keys, n, b, t + PAGE, head), PAGE * size);
        for (int64_t q = 0; q < group; ++q)
          scores_of(query + q * size, page(c.keys, n, b, t, head), size, scores + q * room + t - start);
      }
      for (int64_t q = 0; q < group; ++q) {
        std::fill_n(scores + q * room, begin - start, -INFINITY);
        std::fill(scores + q * room + end - start, scores + (q + 1) * room, -INFINITY);
        for (uint64_t left = c.unseen[b]; left; left &= left - 1) {
          const int64_t slot = end - 2 - __builtin_ctzll(left);
          if (slot >= start) scores[q * room + slot - start] = -INFINITY;
        }
        softmax(scores + q * room, room);
      }
      std::fill_n(mixed, group * size, 0.0f);
      for (int64_t t = start; t < end; t += PAGE) {
        if (t + PAGE < end) fetch(page(c.values, n, b, t + PAGE, head), PAGE * size);
        for (int64_t q = 0; q < group; ++q)
          mix(scores + q * room + t - start, page(c.values, n, b, t, head), std::max(begin - t, int64_t(0)),
              std::min(end - t, PAGE), size, mixed + q * size);
      }
    }
  }

  // The product with `in` is added to the residual stream.
  void add(const Matrix& matrix, const float* in, int64_t stride, int thread) {
    product<F>(matrix, share(matrix.rows / PANEL, thread), in, c.batch, stride, [&](int64_t b, int64_t first, const float* values) {
      for (int64_t r = 0; r < PANEL; ++r) x(b)[first + r] += values[r];
    });
  }

  void feed_forward(const Layer& layer, int thread) {
    const float* in = normed(layer.feed_forward_norm, thread);
    Share panels = share(layer.gate_up.rows / PANEL / 2, thread);
    panels.first *= 2, panels.last *= 2;
    product<F>(layer.gate_up, panels, in, c.batch, m.width, [&](int64_t b, int64_t first, const float* values) {
      float* gate = s.hidden.data() + b * hidden_stride + first / (2 * PANEL) * PANEL;
      if (first % (2 * PANEL) == 0) std::copy_n(values, PANEL, gate);
      else times_silu(gate, values);
    });
  }

  void score(int thread) {
    float* in = s.own[thread].normed.data();
    for (int64_t i = 0; i < c.scores; ++i) rms_norm(x(c.scored[i]), m.norm, m.eps, m.width, in + i * m.width);
    if (thread == 0) std::copy_n(in, c.scores * m.width, c.hidden);
    product<F>(m.head, share(m.head.rows / PANEL, thread), in, c.scores, m.width, [&](int64_t i, int64_t first, const float* values) {
      std::copy_n(values, std::min(PANEL, m.vocab - first), c.logits + i * m.vocab + first);
    });
  }

  const Model& m;
  const Call& c;
  Scratch& s;
  Team& team;
  int64_t half, queries, qkv_stride, hidden_stride;
};

// --- 4. The way in --------------------------------------------------------------------------------------------------------------------

// The first block that any layer reads: where all have a window, those before it may have been given back.
int64_t first_block(const Model& m, int64_t position) {
  int64_t first = position;
  for (int64_t n = 0; n < m.depth; ++n)
    first = m.layers[n].window ? std::min(first, std::max<int64_t>(0, position + 1 - m.layers[n].window)) : 0;
  return first / PAGE;
}

std::string fault(const Model& m, const Call& c) {
  for (int64_t b = 0; b < c.batch; ++b) {
    const std::string row = "row " + std::to_string(b) + ": ";
    const int64_t id = c.ids[b], slot = c.slots[b], unseen = __builtin_popcountll(c.unseen[b]);
    if (id < 0 || id >= m.vocab)
      return row + "token " + std::to_string(id) + " is not among the model's " + std::to_string(m.vocab) + " words";
    if (slot < 0 || slot / PAGE >= c.table_width)
      return row + "slot " + std::to_string(slot) + " does not lie in a table of " + std::to_string(c.table_width) + " blocks";
    if (c.unseen[b] && slot < 64 - __builtin_clzll(c.unseen[b]))
      return row + "slot " + std::to_string(slot) + " has not so many before it as it does not see";
    for (int64_t i = first_block(m, slot - unseen); i <= slot / PAGE; ++i) {
      const int64_t block = c.tables[b * c.table_width + i];
      if (block < 0 || block >= c.blocks)
        return row + "block " + std::to_string(block) + " is not among the cache's " + std::to_string(c.blocks);
    }
  }
  for (int64_t i = 0; i < c.scores; ++i)
    if (c.scored[i] < 0 || c.scored[i] >= c.batch)
      return "row " + std::to_string(c.scored[i]) + " is not among the " + std::to_string(c.batch) + " whose scores there are";
  return "";
}

// One for the whole process: steps of several models take turns, and do not fight for cores.
struct Workshop {
  std::mutex busy;
  std::unique_ptr<Team> team;
  Team one{1};
  int alone = 0, stalls = 0;
  Scratch scratch;

  // Where another program takes a core, two threads that wait for each other are far slower than one: for a while the caller then works
  // alone, each time for longer. What comes out is the same.
  Team& next(int64_t threads) {
    if (!team || team->size != threads) team = nullptr, team = std::make_unique<Team>(int(threads)), alone = stalls = 0;
    return alone > 0 ? --alone, one : *team;
  }

  void note(Team& worked) {
    if (worked.size == 1) return;
    stalls = worked.has_stalled() ? std::min(stalls + 1, 7) : 0;
    if (stalls) alone = 8 << stalls;
  }
};

Workshop* workshop = new Workshop;  // never deleted: at the end of the process, its threads may be asleep

// A forked process has none of the threads. What they left behind stays where it is: their team cannot be ended there.
__attribute__((constructor)) void at_loading() {
  pthread_atfork(nullptr, nullptr, [] { workshop = new Workshop; });
}

template <class F, class Cell>
void run(const Model& model, const Call& call, Team& team) {
  Step<F, Cell> step(model, call, workshop->scratch, team);
  team.run([&](int thread) { step(thread); });
}

template <class F>
void run(const Model& model, const Call& call, Team& team) {
  call.cells_are_bf16 ? run<F, uint16_t>(model, call, team) : run<F, float>(model, call, team);
}

}  // namespace

// Null, or what is wrong with the call, in which case nothing was read or written. The text lives until the thread's next call.
extern "C" const char* onward_step(const Model* model, const Call* call) try {
  thread_local std::string wrong;
  wrong = fault(*model, *call);
  if (!wrong.empty()) return wrong.c_str();
  std::lock_guard<std::mutex> alone(workshop->busy);
  Team& team = workshop->next(call->threads);
  if (model->format == FP32) run<Fp32>(*model, *call, team);
  else if (model->format == BF16) run<Bf16>(*model, *call, team);
  else run<Int8>(*model, *call, team);
  workshop->note(team);
  return nullptr;
} catch (const std::exception&) {
  return "there is not enough memory, or too many threads";
}

// scores: (rows, words). Of each row a token and its log-probability as the model has it, no number where a score is none.
extern "C" void onward_draw(int64_t rows, int64_t words, const float* scores, const double* temperatures, const int64_t* seeds,
                            const int64_t* positions, int64_t* tokens, float* log_probs) {
  for (int64_t row = 0; row < rows; ++row) {
    const Drawn drawn = Draw(scores + row * words, words)(temperatures[row], uint64_t(seeds[row]), uint64_t(positions[row]));
    tokens[row] = drawn.token, log_probs[row] = drawn.log_prob;
  }
}
