// Of glibc 2.30: waiting with a deadline on a clock of choice, which libstdc++ does for its steady clock. Here by the real-time
// clock as it stands: where that is set meanwhile, one wait ends early or late, and callers look at their own clock anyway.
#include <pthread.h>
#include <time.h>

extern "C" __attribute__((visibility("hidden"))) int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                                                            clockid_t clock, const timespec* until) {
  constexpr long kSecond = 1'000'000'000;
  timespec there{}, real{};
  clock_gettime(clock, &there);
  clock_gettime(CLOCK_REALTIME, &real);
  timespec deadline{.tv_sec = real.tv_sec + until->tv_sec - there.tv_sec,
                    .tv_nsec = real.tv_nsec + until->tv_nsec - there.tv_nsec};
  for (; deadline.tv_nsec < 0; deadline.tv_nsec += kSecond) --deadline.tv_sec;
  for (; deadline.tv_nsec >= kSecond; deadline.tv_nsec -= kSecond) ++deadline.tv_sec;
  return pthread_cond_timedwait(condition, mutex, &deadline);
}
