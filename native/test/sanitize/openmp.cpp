// OpenMP's teams as plain threads, for builds with ThreadSanitizer: libgomp is not instrumented, so the sanitizer sees
// neither fork nor join and takes every parallel loop for a race. tests.cmake lets the linker send our code's calls here
// (--wrap); oneDNN, which is not instrumented either, keeps libgomp. These are the entry points that GCC calls for
// `parallel`, `for schedule(static)` and `for schedule(dynamic)`: another construct would still go to libgomp, outside of
// any team, and give wrong results.
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

namespace {

struct Team {
  explicit Team(unsigned size) : size(size), end_of_loop(static_cast<std::ptrdiff_t>(size), StartAgain{&taken}) {}

  struct StartAgain {
    std::atomic<long>* taken;
    void operator()() noexcept { taken->store(0, std::memory_order_relaxed); }
  };
  const unsigned size;
  std::atomic<long> taken{0};  // iterations of the loop that are given out
  std::barrier<StartAgain> end_of_loop;
};

struct Loop {
  long start, end, step, chunk;
};

thread_local Team* team = nullptr;  // null outside of parallel regions
thread_local unsigned place = 0;
thread_local Loop loop;

/// Relaxed: OpenMP promises no order between the iterations, so none may be lent to them here.
bool take(long* first, long* last) {
  const long at = loop.start + team->taken.fetch_add(loop.chunk, std::memory_order_relaxed) * loop.step;
  if (at >= loop.end) return false;
  *first = at;
  *last = std::min(at + loop.chunk * loop.step, loop.end);
  return true;
}

}  // namespace

extern "C" {

void __wrap_GOMP_parallel(void (*body)(void*), void* data, unsigned size, unsigned) {
  Team own(size > 0 ? size : static_cast<unsigned>(omp_get_max_threads()));
  const auto work = [&](unsigned index) {
    team = &own;
    place = index;
    body(data);
    team = nullptr;
    place = 0;
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < own.size; ++i) others.emplace_back(work, i);
  work(0);
  for (std::thread& t : others) t.join();
}

int __wrap_omp_get_num_threads() { return team ? static_cast<int>(team->size) : 1; }
int __wrap_omp_get_thread_num() { return static_cast<int>(place); }

bool __wrap_GOMP_loop_nonmonotonic_dynamic_start(long start, long end, long step, long chunk, long* first, long* last) {
  loop = {start, end, step, chunk};
  return take(first, last);
}

bool __wrap_GOMP_loop_nonmonotonic_dynamic_next(long* first, long* last) { return take(first, last); }

void __wrap_GOMP_loop_end() { team->end_of_loop.arrive_and_wait(); }

}  // extern "C"
