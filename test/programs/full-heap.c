// Preloaded: the heap (brk) has no room to grow, as where something lies behind it. How far its end has moved goes to stderr.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static char* end;

// By the kernel: libraries replace sbrk.
static char* heap_end(void) { return (char*)syscall(SYS_brk, 0); }

static void report(void) { fprintf(stderr, "heap: moved by %ld bytes\n", (long)(heap_end() - end)); }

__attribute__((constructor)) static void begin(void) {
  end = heap_end();
  const size_t page = 4096;
  char* behind = (char*)(((size_t)end + page - 1) / page * page);
  if (mmap(behind, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != behind) abort();
  atexit(report);
}
