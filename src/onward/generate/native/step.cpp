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
#include <tuple>
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

enum Format : int64_t { FP32, BF16, INT8, INT4 };

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
  void *keys, *values;         // (depth, blocks, kv_heads, head_size, PAGE) and (depth, blocks, kv_heads, PAGE, head_size)
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

// What the cache holds: floats, or bf16. A block of it as floats: as it lies there, or in `room`.
inline void put(float* to, float value) { *to = value; }
inline void put(uint16_t* to, float value) { *to = narrowed(value); }
inline const float* opened(const float* cells, int64_t, float*) { return cells; }
inline const float* opened(const uint16_t* cells, int64_t count, float* room) {
  for (int64_t i = 0; i < count; i += LANES) store(room + i, widened(load<Halves>(cells + i)));
  return room;
}

// Calls work with four of so many things at a time, and then with what is left: how many, known to the compiler, and which is the first.
template <class Work>
void by_fours(int64_t count, Work work) {
  int64_t at = 0;
  for (; at + 4 <= count; at += 4) work(std::integral_constant<int, 4>(), at);
  if (count - at == 3) work(std::integral_constant<int, 3>(), at);
  if (count - at == 2) work(std::integral_constant<int, 2>(), at);
  if (count - at == 1) work(std::integral_constant<int, 1>(), at);
}

// Scores of a block for Q queries, to be `stride` apart: the products with its keys (size, PAGE), also with those that hold rubbish. The
// queries are scaled already. Of each score four sums, of every fourth number, since each sum waits for the one before it.
template <int Q>
void scores_of(const float* const* queries, const float* keys, int64_t size, float* scores, int64_t stride) {
  constexpr int WIDE = PAGE / LANES;
  Vec sums[Q][4][WIDE] = {};
  for (int64_t i = 0; i < size; i += 4)
    for (int j = 0; j < 4; ++j)
      if (i + j < size)
        for (int w = 0; w < WIDE; ++w) {
          const Vec key = load<Vec>(keys + (i + j) * PAGE + w * LANES);
          for (int q = 0; q < Q; ++q) sums[q][j][w] += key * queries[q][i + j];
        }
  for (int q = 0; q < Q; ++q)
    for (int w = 0; w < WIDE; ++w)
      store(scores + q * stride + w * LANES, (sums[q][0][w] + sums[q][1][w]) + (sums[q][2][w] + sums[q][3][w]));
}

// N vectors of the values (PAGE, size) of tokens `first` to before `last` of a block, each times its share for Q queries, are added to
// `mixed`.
template <int Q, int N>
void mix_some(const float* shares, int64_t stride, const float* values, int64_t first, int64_t last, int64_t size, float* mixed) {
  Vec sums[Q][N];
  for (int q = 0; q < Q; ++q)
    for (int n = 0; n < N; ++n) sums[q][n] = load<Vec>(mixed + q * size + n * LANES);
  for (int64_t t = first; t < last; ++t)
    for (int n = 0; n < N; ++n) {
      const Vec value = load<Vec>(values + t * size + n * LANES);
      for (int q = 0; q < Q; ++q) sums[q][n] += value * shares[q * stride + t];
    }
  for (int q = 0; q < Q; ++q)
    for (int n = 0; n < N; ++n) store(mixed + q * size + n * LANES, sums[q][n]);
}

// The same of whole values. Several vectors at a time, since each sum waits for the one before it.
template <int Q>
void mix(const float* shares, int64_t stride, const float* values, int64_t first, int64_t last, int64_t size, float* mixed) {
  int64_t i = 0;
  for (; i + 4 * LANES <= size; i += 4 * LANES) mix_some<Q, 4>(shares, stride, values + i, first, last, size, mixed + i);
  for (; i + LANES <= size; i += LANES) mix_some<Q, 1>(shares, stride, values + i, first, last, size, mixed + i);
  for (; i < size; ++i)
    for (int q = 0; q < Q; ++q)
      for (int64_t t = first; t < last; ++t) mixed[q * size + i] += values[t * size + i] * shares[q * stride + t];
}

// Asks for what will be read soon: blocks lie anywhere, so the processor cannot see them coming.
template <class Cell>
void fetch(const Cell* from, int64_t count) {
  for (int64_t i = 0; i < count; i += 64 / sizeof(Cell)) __builtin_prefetch(from + i);
}

// Of a multiple of LANES scores, in place. What must not be seen has minus infinity, and gets a share of 0. The first shares, `settled`, a
// multiple of LANES, are added up by lanes; those after them, among which there may be other branches of a draft, one after the other, so
// that what is not seen changes nothing, not even the order of the sum.
void softmax(float* scores, int64_t size, int64_t settled) {
  Vec highs = load<Vec>(scores), totals = {};
  for (int64_t i = LANES; i < size; i += LANES) highs = load<Vec>(scores + i) > highs ? load<Vec>(scores + i) : highs;
  float highest = highs[0];
  for (int lane = 1; lane < LANES; ++lane) highest = std::max(highest, highs[lane]);
  for (int64_t i = 0; i < size; i += LANES) {
    const Vec score = load<Vec>(scores + i), share = exponential(score - highest), seen = score == -INFINITY ? Vec{} : share;
    store(scores + i, seen);
    if (i < settled) totals += seen;
  }
  float total = sum(totals);
  for (int64_t i = settled; i < size; ++i) total += scores[i];
  const float whole = 1.0f / total;
  for (int64_t i = 0; i < size; ++i) scores[i] *= whole;
}

// --- 3. The step ----------------------------------------------------------------------------------------------------------------------

int64_t filled_up(int64_t rows) { return (rows + PANEL - 1) / PANEL * PANEL; }

constexpr int64_t MOST = 8;     // rows of a tile
constexpr int64_t BRANCHES = 64;  // so far back a row may have slots before its own that it does not see

struct Tile {  // rows of one sequence that are neighbours: what they read of its cache comes from memory once
  int64_t first, last;
};

struct Scratch {  // rows are inputs
  std::vector<float> x, turns, qkv, mixed, hidden;
  std::vector<Tile> tiles;
  struct Own {
    std::vector<float> normed, scores, block;
    std::vector<const float*> queries;
    std::tuple<std::vector<float>, std::vector<uint32_t>> inputs;  // of a product, as its format has them
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
      own.scores.resize(MOST * m.heads / m.kv_heads * (longest + PAGE));
      own.block.resize(PAGE * m.head_size);
    }
    s.tiles.clear();
    for (int64_t b = 0; b < c.batch; ++b)
      if (!s.tiles.empty() && b - s.tiles.back().first < MOST && of_one_sequence(s.tiles.back().first, b)) s.tiles.back().last = b + 1;
      else s.tiles.push_back({b, b + 1});
  }

  // What each thread does. Between two meetings it writes only what is its own share.
  void operator()(int thread) {
    begin(share(c.batch, thread));
    team.meet();
    for (int64_t n = 0; n < m.depth; ++n) {
      const Layer& layer = m.layers[n];
      project(layer, thread);
      team.meet();
      place(layer, n, share(c.batch * m.kv_heads, thread));
      if (c.batch > 1) team.meet();  // rows may be tokens of one sequence, each of which sees the keys of those before it
      attend(layer, n, share(int64_t(s.tiles.size()) * m.kv_heads, thread), thread);
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

  auto& room(int thread) { return std::get<std::vector<typename F::Input>>(s.own[thread].inputs); }

  // Every thread for itself: it costs less than meeting once more.
  const float* normed(const float* weight, int thread) {
    float* out = s.own[thread].normed.data();
    for (int64_t b = 0; b < c.batch; ++b) rms_norm(x(b), weight, m.eps, m.width, out + b * m.width);
    return out;
  }

  void project(const Layer& layer, int thread) {
    const float* in = normed(layer.attention_norm, thread);
    product<F>(layer.qkv, share(layer.qkv.rows / PANEL, thread), in, c.batch, m.width, room(thread),
               [&](int64_t b, int64_t first, const float* values) { std::copy_n(values, PANEL, qkv(b) + first); });
  }

  void finish_head(float* head, const float* norm, int64_t b) {
    if (norm) rms_norm(head, norm, m.eps, m.head_size, head);
    if (m.frequencies) rotate(head, s.turns.data() + b * m.head_size, half);
  }

  bool of_one_sequence(int64_t a, int64_t b) const {
    const int64_t blocks = std::max(c.slots[a], c.slots[b]) / PAGE + 1;
    return std::equal(c.tables + a * c.table_width, c.tables + a * c.table_width + blocks, c.tables + b * c.table_width);
  }

  Cell* page(void* cells, int64_t layer, int64_t b, int64_t slot, int64_t head) const {
    const int64_t block = c.tables[b * c.table_width + slot / PAGE];
    return static_cast<Cell*>(cells) + ((layer * c.blocks + block) * m.kv_heads + head) * PAGE * m.head_size;
  }

  int64_t begin_of(const Layer& layer, int64_t b) const {
    return layer.window ? std::max<int64_t>(0, position(c, b) + 1 - layer.window) : 0;
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
      const int64_t at = c.slots[b] % PAGE;
      for (int64_t i = 0; i < m.head_size; ++i) put(k + i * PAGE + at, key[i]), put(v + at * m.head_size + i, value[i]);
    }
  }

  // softmax(q K^T) V of the query heads that share a key head, for the rows of a tile, block by block. `tasks`: of each head all tiles, so
  // that threads have as much to do where later rows see more. No number depends on which rows are in a tile.
  void attend(const Layer& layer, int64_t n, Share tasks, int thread) {
    const int64_t group = m.heads / m.kv_heads, size = m.head_size, tiles = s.tiles.size();
    auto& own = s.own[thread];
    float* scores = own.scores.data();
    for (int64_t task = tasks.first; task < tasks.last; ++task) {
      const Tile tile = s.tiles[task % tiles];
      const int64_t head = task / tiles;
      int64_t begin = begin_of(layer, tile.first), end = 0;
      own.queries.clear();
      for (int64_t b = tile.first; b < tile.last; ++b) {
        begin = std::min(begin, begin_of(layer, b)), end = std::max(end, c.slots[b] + 1);
        for (int64_t q = 0; q < group; ++q) own.queries.push_back(qkv(b) + (head * group + q) * size);
      }
      const int64_t start = begin / PAGE * PAGE, room = (end - start + PAGE - 1) / PAGE * PAGE;  // in whole blocks
      for (int64_t t = start; t < end; t += PAGE) {
        if (t + PAGE < end) fetch(page(c.keys, n, tile.first, t + PAGE, head), PAGE * size);
        const float* keys = opened(page(c.keys, n, tile.first, t, head), PAGE * size, own.block.data());
        by_fours(own.queries.size(), [&](auto some, int64_t q) {
          scores_of<some>(own.queries.data() + q, keys, size, scores + q * room + t - start, room);
        });
      }
      for (int64_t b = tile.first; b < tile.last; ++b)
        for (int64_t q = 0; q < group; ++q) share_out(layer, b, start, room, scores + ((b - tile.first) * group + q) * room);
      mix_all(layer, n, tile, head, start, end, room, own);
    }
  }

  // A row's scores of the slots from `start` on become shares, 0 where it does not see.
  void share_out(const Layer& layer, int64_t b, int64_t start, int64_t room, float* scores) {
    const int64_t end = c.slots[b] + 1;
    std::fill_n(scores, begin_of(layer, b) - start, -INFINITY);
    std::fill(scores + end - start, scores + room, -INFINITY);
    for (uint64_t left = c.unseen[b]; left; left &= left - 1) {
      const int64_t slot = end - 2 - __builtin_ctzll(left);
      if (slot >= start) scores[slot - start] = -INFINITY;
    }
    softmax(scores, room, std::max<int64_t>(0, (position(c, b) - BRANCHES) / PAGE * PAGE - start));
  }

  void mix_all(const Layer& layer, int64_t n, Tile tile, int64_t head, int64_t start, int64_t end, int64_t room, Scratch::Own& own) {
    const int64_t group = m.heads / m.kv_heads, size = m.head_size;
    auto mixed = [&](int64_t b) { return s.mixed.data() + b * queries + head * group * size; };
    for (int64_t b = tile.first; b < tile.last; ++b) std::fill_n(mixed(b), group * size, 0.0f);
    for (int64_t t = start; t < end; t += PAGE) {
      if (t + PAGE < end) fetch(page(c.values, n, tile.first, t + PAGE, head), PAGE * size);
      const float* values = opened(page(c.values, n, tile.first, t, head), PAGE * size, own.block.data());
      for (int64_t b = tile.first; b < tile.last; ++b) {
        const int64_t first = std::max<int64_t>(begin_of(layer, b) - t, 0), last = std::min(c.slots[b] + 1 - t, PAGE);
        const float* shares = own.scores.data() + (b - tile.first) * group * room + t - start;
        by_fours(group, [&](auto some, int64_t q) {
          mix<some>(shares + q * room, room, values, first, last, size, mixed(b) + q * size);
        });
      }
    }
  }

  // The product with `in` is added to the residual stream.
  void add(const Matrix& matrix, const float* in, int64_t stride, int thread) {
    product<F>(matrix, share(matrix.rows / PANEL, thread), in, c.batch, stride, room(thread), [&](int64_t b, int64_t first, const float* values) {
      for (int64_t r = 0; r < PANEL; ++r) x(b)[first + r] += values[r];
    });
  }

  void feed_forward(const Layer& layer, int thread) {
    const float* in = normed(layer.feed_forward_norm, thread);
    Share panels = share(layer.gate_up.rows / PANEL / 2, thread);
    panels.first *= 2, panels.last *= 2;
    product<F>(layer.gate_up, panels, in, c.batch, m.width, room(thread), [&](int64_t b, int64_t first, const float* values) {
      float* gate = s.hidden.data() + b * hidden_stride + first / (2 * PANEL) * PANEL;
      if (first % (2 * PANEL) == 0) std::copy_n(values, PANEL, gate);
      else times_silu(gate, values);
    });
  }

  void score(int thread) {
    float* in = s.own[thread].normed.data();
    for (int64_t i = 0; i < c.scores; ++i) rms_norm(x(c.scored[i]), m.norm, m.eps, m.width, in + i * m.width);
    if (thread == 0) std::copy_n(in, c.scores * m.width, c.hidden);
    product<F>(m.head, share(m.head.rows / PANEL, thread), in, c.scores, m.width, room(thread), [&](int64_t i, int64_t first, const float* values) {
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
  else if (model->format == INT8) run<Int8>(*model, *call, team);
  else run<Int4>(*model, *call, team);
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
