#include "engine/planned_runs.h"

#include <string>

#include "core/arena.h"
#include "core/error.h"
#include "ops/planner.h"

namespace cw {

namespace {
std::string mebibytes(size_t bytes) { return std::to_string((bytes + (size_t{1} << 20) - 1) >> 20) + " MiB"; }
}  // namespace

PlannedRuns::Bytes PlannedRuns::measure(const Body& body) const {
  Planner planner(backend_);
  Arena arena = Arena::measuring();
  Run dry{{.ops = planner, .arena = arena, .type = type_, .remake_hidden = backend_.remakes_hidden()}, nullptr};
  body(dry);
  return {.arena = arena.peak(), .scratch = planner.scratch()};
}

void PlannedRuns::reserve(const Body& body) {
  const Bytes planned = measure(body);
  try {
    reserve(arena_, planned.arena, planned);
    reserve(scratch_, planned.scratch, planned);
  } catch (...) {
    // What is there of it would be missing to whoever tries with less.
    arena_.reset();
    scratch_.reset();
    throw;
  }
}

void PlannedRuns::run_reserved(const Body& body) {
  backend_.set_scratch(scratch_->data(), scratch_->bytes());
  Arena arena(arena_->data(), arena_->bytes());
  Run real{{.ops = backend_, .arena = arena, .type = type_, .remake_hidden = backend_.remakes_hidden()}, &backend_};
  body(real);
}

void PlannedRuns::reserve(std::unique_ptr<Buffer>& buffer, size_t bytes, Bytes planned) {
  if (buffer && buffer->bytes() >= bytes) return;
  buffer.reset();  // before the new one, so that both never exist at once
  const size_t available = backend_.available_bytes();
  if (bytes > available)
    throw Error(Code::out_of_memory, "this step is planned to take " + mebibytes(planned.total()) + ", but only " +
                                         mebibytes(available) + " are free on " + backend_.name() +
                                         "; use a smaller microBatch, or checkpointing");
  buffer = backend_.allocate(bytes);
}

}  // namespace cw
