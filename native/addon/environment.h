// What belongs to one Node environment (the main thread or a worker_thread): its engine threads, and the way back from
// them. Nothing is static: environments come and go independently.
#pragma once
#include <napi.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/error.h"
#include "engine/worker.h"

namespace cw {

class Environment {
 public:
  explicit Environment(Napi::Env env);
  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  /// An engine thread that this environment closes and joins when it ends.
  std::shared_ptr<Worker> start_worker();
  /// Run when the environment closes, once its engine threads have ended.
  void at_close(std::function<void()> last) { at_close_.push_back(std::move(last)); }
  /// Closes the thread; it is joined here later, without waiting for it now.
  void retire(const std::shared_ptr<Worker>& worker);

  /// work runs on the worker, then finish on this environment's thread; its value resolves the promise. What either
  /// throws rejects it, as a JavaScript Error with the contract's code. On a worker that is closing, work is given up
  /// with ERR_DISPOSED, unless it is part of the closing.
  enum class When : uint8_t { open, closing };
  Napi::Promise run(Napi::Env env, const std::shared_ptr<Worker>& worker, std::function<void()> work,
                    std::function<Napi::Value(Napi::Env)> finish, When when = When::open);
  /// The same for work whose results are waited for by what it returns, which the worker defers (Worker::defer).
  using Rest = Worker::Rest;
  Napi::Promise run_in_two(Napi::Env env, const std::shared_ptr<Worker>& worker, std::function<Rest()> work,
                           std::function<Napi::Value(Napi::Env)> finish, When when = When::open);

  /// The thread for work that belongs to no session; made at its first use.
  const std::shared_ptr<Worker>& service();

  Napi::FunctionReference session_class;

 private:
  struct Job;
  /// Joins all threads, for good. Again, it does nothing.
  void close();
  void close_at_exit();
  void raise_stop();
  static void settle(Napi::Env env, Napi::Function, Environment* self, Job* job);
  using Return = Napi::TypedThreadSafeFunction<Environment, Job, &Environment::settle>;

  void complete(Job* job);
  /// Joins and forgets the threads that have ended.
  void reap();

  napi_env env_;
  Return return_;
  int pending_ = 0;
  std::atomic<bool> closing_{false};
  std::unordered_set<std::shared_ptr<Worker>> workers_, retired_;
  std::shared_ptr<Worker> service_;
  std::vector<std::function<void()>> at_close_;
};

/// A JavaScript Error with a `code`.
Napi::Error js_error(Napi::Env env, Code code, const std::string& message);

/// Runs a binding's body: a cw::Error becomes a JavaScript exception with its code.
template <class F>
Napi::Value guarded(Napi::Env env, F&& body) {
  try {
    return body();
  } catch (const Error& e) {
    throw js_error(env, e.code, e.what());
  } catch (const std::bad_alloc&) {
    throw js_error(env, Code::out_of_memory, "the machine has no memory left for this call");
  }
}

}  // namespace cw
