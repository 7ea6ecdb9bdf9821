// libstdc++ asks glibc 2.32 and newer whether the process has one thread, to count references without atomics. Older ones
// cannot tell; false is always right.
extern "C" {
extern __attribute__((visibility("hidden"))) char __libc_single_threaded;
char __libc_single_threaded = 0;
}
