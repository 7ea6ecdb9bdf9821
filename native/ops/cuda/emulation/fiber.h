// Stacks that take turns on one thread: what the threads of a block are. x86-64, as the package itself.
#pragma once
#include <cstddef>

namespace cw::emulation {

class Fiber {
 public:
  /// body(argument) runs at the first resume(), on a stack of its own with a guard page below.
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Makes the next resume() begin body(argument). What ran before on this stack is forgotten.
  void start(void (*body)(void*), void* argument);
  /// Runs it until it pauses or ends; must be called from outside of any fiber.
  void resume();
  bool ended() const { return ended_; }

  /// Called on a fiber: back to whoever resumed it.
  static void pause();

 private:
  static void entry();

  std::byte* stack_;
  void* position_ = nullptr;  // its stack pointer while it is not running
  void (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
  bool ended_ = true;
  void* sanitizer_ = nullptr;
};

}  // namespace cw::emulation
