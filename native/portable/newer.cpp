// Functions that newer glibcs export and older ones do not, for what libstdc++ and GoogleTest of a newer system bring along.
// Those of files were inline before 2.33; the kernel's struct on x86-64, which alone is linked so, is the C library's.
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

struct stat;

extern "C" {
#define CW_HIDDEN __attribute__((visibility("hidden")))

CW_HIDDEN int stat(const char* path, struct stat* to) { return static_cast<int>(syscall(SYS_stat, path, to)); }
CW_HIDDEN int lstat(const char* path, struct stat* to) { return static_cast<int>(syscall(SYS_lstat, path, to)); }
CW_HIDDEN int fstat(int file, struct stat* to) { return static_cast<int>(syscall(SYS_fstat, file, to)); }
CW_HIDDEN int fstat64(int file, struct stat* to) { return fstat(file, to); }
CW_HIDDEN int stat64(const char* path, struct stat* to) { return stat(path, to); }
CW_HIDDEN int lstat64(const char* path, struct stat* to) { return lstat(path, to); }

/// Of 2.36; behind std::random_device.
CW_HIDDEN uint32_t arc4random() {
  uint32_t value = 0;
  while (getrandom(&value, sizeof value, 0) != sizeof value) {
  }
  return value;
}
}
