#include "ops/cuda/emulation/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
// These calls are part of no call stack that ThreadSanitizer keeps: a fiber that begins anew leaves nothing of the last run.
#define CW_UNSEEN __attribute__((no_sanitize("thread")))
#else
#define CW_UNSEEN
#endif

// Saves the callee-saved registers and the stack pointer, then continues where `to` was saved.
asm(R"(
.text
.globl cw_emulation_switch
.hidden cw_emulation_switch
.type cw_emulation_switch, @function
cw_emulation_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cw_emulation_switch, .-cw_emulation_switch
)");
extern "C" void cw_emulation_switch(void** save, void* to);

namespace cw::emulation {
namespace {

constexpr size_t kPage = 4096;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kStack = 256 * 1024;  // instrumented frames are large
#else
constexpr size_t kStack = 64 * 1024;
#endif

thread_local Fiber* running = nullptr;
thread_local void* outside = nullptr;  // the resumer's stack pointer

#if defined(__SANITIZE_ADDRESS__)
thread_local const void* outside_bottom = nullptr;
thread_local size_t outside_size = 0;
#endif
#if defined(__SANITIZE_THREAD__)
thread_local void* outside_sanitizer = nullptr;
#endif

}  // namespace

Fiber::Fiber() {
  void* memory = mmap(nullptr, kStack + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, kPage, PROT_NONE);
  stack_ = static_cast<std::byte*>(memory);
}

Fiber::~Fiber() {
  munmap(stack_, kStack + kPage);
#if defined(__SANITIZE_THREAD__)
  if (sanitizer_) __tsan_destroy_fiber(sanitizer_);
#endif
}

void Fiber::start(void (*body)(void*), void* argument) {
#if defined(__SANITIZE_ADDRESS__)
  // Frames that never returned left their marks: after an end those of entry(), else all that were abandoned.
  const size_t marked = ended_ ? kPage : kStack;
  __asan_unpoison_memory_region(stack_ + kPage + kStack - marked, marked);
#endif
  body_ = body;
  argument_ = argument;
  [[maybe_unused]] const bool ended = std::exchange(ended_, false);
  // As the switch leaves it: six registers, the address to return to, and a stack aligned as after a call.
  auto** top = reinterpret_cast<void**>(stack_ + kPage + kStack) - 2;
  *top = reinterpret_cast<void*>(&Fiber::entry);
  position_ = top - 6;
#if defined(__SANITIZE_THREAD__)
  // Making one takes long. One that was left in mid-run is of no more use, since its call stack stays as it was.
  if (sanitizer_ && !ended) __tsan_destroy_fiber(std::exchange(sanitizer_, nullptr));
  if (!sanitizer_) sanitizer_ = __tsan_create_fiber(0);
#endif
}

CW_UNSEEN void Fiber::resume() {
  running = this;
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, stack_ + kPage, kStack);
#endif
#if defined(__SANITIZE_THREAD__)
  outside_sanitizer = __tsan_get_current_fiber();
  // Each switch is an order between the two: the fibers of a block share one thread. What a missing barrier does is found by
  // running them in other orders.
  __tsan_switch_to_fiber(sanitizer_, 0);
#endif
  cw_emulation_switch(&outside, position_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
  running = nullptr;
}

CW_UNSEEN void Fiber::pause() {
  Fiber* self = running;
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  // A fiber that ended gives its fake stack back.
  __sanitizer_start_switch_fiber(self->ended_ ? nullptr : &fake, outside_bottom, outside_size);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(outside_sanitizer, 0);
#endif
  cw_emulation_switch(&self->position_, outside);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, &outside_bottom, &outside_size);
#endif
}

CW_UNSEEN void Fiber::entry() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &outside_bottom, &outside_size);
#endif
  Fiber* self = running;
  self->body_(self->argument_);
  self->ended_ = true;
  pause();
  std::abort();  // an ended fiber is not resumed
}

}  // namespace cw::emulation
