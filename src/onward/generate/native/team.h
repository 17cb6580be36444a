// Threads that compute together. Left out: more than one caller at a time, and work that is not known beforehand.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Some threads that do the same job side by side, and meet in it. The caller is the first of them. Within a step, who waits looks again and
// again, since all arrive within microseconds; where one of them has lost its core to something else, the others sleep until it comes. (To
// yield instead would give the core to that something for milliseconds.) After a step, a thread looks out for the next one for a little
// longer than Python needs to choose a token, and then sleeps.
class Team {
 public:
  explicit Team(int size) : size(size) {
    try {
      for (int number = 1; number < size; ++number) threads_.emplace_back([this, number] { serve(number); });
    } catch (...) {  // too many
      end();
      throw;
    }
  }

  ~Team() { end(); }

  void run(const std::function<void(int)>& job) {
    job_ = &job;
    awake_.store(false, std::memory_order_relaxed);
    call();
    job(0);
    meet();
  }

  void meet() {
    if (size == 1) return;
    const unsigned turn = turn_.load(std::memory_order_relaxed);
    const bool awake = awake_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size) {
      arrived_.store(0, std::memory_order_relaxed);
      awake_.store(true, std::memory_order_relaxed);
      turn_.store(turn + 1, std::memory_order_release);
      turn_.notify_all();
      return;
    }
    for (int looks = 0; turn_.load(std::memory_order_acquire) == turn; ++looks)
      if (looks < LOOKS) {
        relax();
      } else {
        if (awake) stalled_.store(true, std::memory_order_relaxed);
        turn_.wait(turn, std::memory_order_acquire);
      }
  }

  // Whether somebody, once all were awake, has waited for long since this was asked before: then there are fewer free cores than threads.
  bool has_stalled() { return stalled_.exchange(false, std::memory_order_relaxed); }

  const int size;

 private:
  static constexpr int LOOKS = 50000;  // about a millisecond
  static constexpr std::chrono::microseconds PATIENCE{2000};

  void end() {
    job_ = nullptr;
    call();
    for (auto& thread : threads_) thread.join();
  }

  void call() {
    if (size == 1) return;
    calls_.fetch_add(1, std::memory_order_release);
    calls_.notify_all();
  }

  void serve(int number) {
    for (unsigned seen = 0;; ++seen) {
      await_call(seen);
      if (job_ == nullptr) return;
      (*job_)(number);
      meet();
    }
  }

  void await_call(unsigned seen) {
    const auto until = std::chrono::steady_clock::now() + PATIENCE;
    while (std::chrono::steady_clock::now() < until)
      for (int looks = 0; looks < 16; ++looks, relax())
        if (calls_.load(std::memory_order_acquire) != seen) return;
    calls_.wait(seen, std::memory_order_acquire);
  }

  alignas(64) std::atomic<unsigned> calls_{0};
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned> turn_{0};
  std::atomic<bool> awake_{false}, stalled_{false};
  const std::function<void(int)>* job_ = nullptr;
  std::vector<std::thread> threads_;
};

struct Share {  // of so many things, those from `first` to before `last` are this thread's
  Share(int64_t things, int thread, int threads) : first(things * thread / threads), last(things * (thread + 1) / threads) {}
  int64_t first, last;
};
