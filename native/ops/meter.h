// What calls of ops cost, by name: their arithmetic and traffic, and their time where they end before they return.
#pragma once
#include <chrono>
#include <cstdint>
#include <vector>

#include "ops/cost.h"

namespace cw {

class Meter {
 public:
  struct Sum {
    const char* name;  // static
    int64_t calls = 0;
    Cost cost;
    double ms = 0;
  };

  /// One call, for as long as it lives. An op that threw counts, too.
  class Span {
   public:
    Span(Meter& meter, const char* name, const Cost& cost) : sum_(meter.at(name)), begin_(Clock::now()) {
      ++sum_.calls;
      sum_.cost.flops += cost.flops;
      sum_.cost.bytes += cost.bytes;
    }
    Span(const Span&) = delete;
    ~Span() { sum_.ms += std::chrono::duration<double, std::milli>(Clock::now() - begin_).count(); }

   private:
    using Clock = std::chrono::steady_clock;
    Sum& sum_;
    Clock::time_point begin_;
  };

  const std::vector<Sum>& sums() const { return sums_; }

 private:
  /// No op calls another through its public name, so a sum stays where it is while a span lives.
  Sum& at(const char* name) {
    for (Sum& s : sums_)
      if (s.name == name) return s;
    return sums_.emplace_back(Sum{.name = name});
  }

  std::vector<Sum> sums_;
};

}  // namespace cw
