#include "addon/environment.h"

#include <unistd.h>

#include <cstdlib>
#include <new>
#include <utility>

namespace cw {

struct Environment::Job {
  Napi::Promise::Deferred deferred;
  std::function<Napi::Value(Napi::Env)> finish;
  bool failed = false;
  Code code = Code::device;
  std::string message;

  void fail(Code c, std::string m) {
    failed = true;
    code = c;
    message = std::move(m);
  }
  /// Keeps what body throws.
  template <class Body>
  void attempt(Body&& body) {
    try {
      body();
    } catch (const Error& e) {
      fail(e.code, e.what());
    } catch (const std::bad_alloc&) {
      fail(Code::out_of_memory, "the machine has no memory left for this call");
    } catch (const std::exception& e) {
      fail(Code::device, e.what());
    }
  }
};

Napi::Error js_error(Napi::Env env, Code code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, name_of(code)));
  return error;
}

// Hooks run in reverse order of their making: ours, made after the thread-safe function's, joins every engine thread
// while that function is still open, so no thread can call into a closed one. They run where an environment is taken
// down: at the end of its event loop, and of a worker_thread. process.exit() and an exception that nobody catches take
// nothing down and call exit() at once, which destroys what libraries hold while threads still compute with it; then
// 'exit' is the last that is heard.
Environment::Environment(Napi::Env env)
    : env_(env), return_(Return::New(env, "clipwright", 0, 1, this)) {
  return_.Unref(env);
  napi_add_env_cleanup_hook(env, [](void* self) { static_cast<Environment*>(self)->close(); }, this);
  const auto process = env.Global().Get("process").As<Napi::Object>();
  const auto on_exit = Napi::Function::New(env, [this](const Napi::CallbackInfo&) { close_at_exit(); }, "clipwrightAtExit");
  process.Get("on").As<Napi::Function>().Call(process, {Napi::String::New(env, "exit"), on_exit});
}

void Environment::close() {
  raise_stop();
  for (const auto& w : retired_) w->join();  // each waits for one op at most
  for (const auto& last : std::exchange(at_close_, {})) last();
}

// A rank may be inside MPI until all others have come there, which can be never. Its libraries must not be destroyed
// meanwhile: the process ends before that, with the code that it was to end with.
void Environment::close_at_exit() {
  raise_stop();
  bool ended = true;
  for (const auto& w : retired_) ended &= w->join_unless_endless();
  if (ended) return close();
  on_exit([](int code, void*) { _exit(code); }, nullptr);  // runs first: what is registered last
}

void Environment::raise_stop() {
  closing_ = true;
  retired_.merge(workers_);
  for (const auto& w : retired_) w->close();
}

std::shared_ptr<Worker> Environment::start_worker() {
  reap();
  auto worker = std::make_shared<Worker>();
  if (closing_) worker->join();  // a listener of 'exit' asks for it: there is no time left for work
  workers_.insert(worker);
  return worker;
}

const std::shared_ptr<Worker>& Environment::service() {
  if (!service_) service_ = start_worker();
  return service_;
}

void Environment::retire(const std::shared_ptr<Worker>& worker) {
  worker->close();
  if (workers_.erase(worker)) retired_.insert(worker);
}

void Environment::reap() {
  for (auto* set : {&workers_, &retired_})
    std::erase_if(*set, [](const auto& w) {
      if (w->finished()) w->join();
      return w->finished();
    });
}

Napi::Promise Environment::run(Napi::Env env, const std::shared_ptr<Worker>& worker, std::function<void()> work,
                               std::function<Napi::Value(Napi::Env)> finish, When when) {
  const auto whole = [work = std::move(work)]() -> Rest {
    work();
    return {};
  };
  return run_in_two(env, worker, whole, std::move(finish), when);
}

Napi::Promise Environment::run_in_two(Napi::Env env, const std::shared_ptr<Worker>& worker, std::function<Rest()> work,
                                      std::function<Napi::Value(Napi::Env)> finish, When when) {
  auto* job = new Job{.deferred = Napi::Promise::Deferred::New(env), .finish = std::move(finish)};
  const Napi::Promise promise = job->deferred.Promise();
  if (pending_++ == 0) return_.Ref(env);
  const bool posted = worker->post([this, job, when, work = std::move(work), on = worker.get()] {
    Rest rest;
    job->attempt([&] {
      if (when == When::open && on->stopping())
        throw Error(Code::disposed, "the model was disposed before this call could run");
      rest = work();
    });
    if (!rest.run) return complete(job);
    on->defer({.run = [this, job, run = std::move(rest.run)] {
                 job->attempt(run);
                 complete(job);
               },
               .ready = std::move(rest.ready)});
  });
  if (!posted) {
    job->fail(Code::disposed, "this model was disposed; create or load it again");
    settle(env, {}, this, job);
  }
  return promise;
}

void Environment::complete(Job* job) {
  // While the environment closes nobody is left to hear of it. The job is not freed: its references to JavaScript
  // values may only be dropped on the environment's own thread, and go with its heap.
  if (closing_ || return_.BlockingCall(job) != napi_ok) return;
}

void Environment::settle(Napi::Env env, Napi::Function, Environment* self, Job* job) {
  if (env == nullptr) return;  // the queue is being drained at exit
  const std::unique_ptr<Job> owned(job);
  const Napi::HandleScope scope(env);
  if (--self->pending_ == 0) self->return_.Unref(env);
  try {
    if (job->failed)
      job->deferred.Reject(js_error(env, job->code, job->message).Value());
    else
      job->deferred.Resolve(job->finish(env));
  } catch (const Napi::Error& e) {
    job->deferred.Reject(e.Value());
  }
}

}  // namespace cw
