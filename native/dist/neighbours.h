// Ranks of one machine: what they tell each other goes through memory that they share.
#pragma once
#include <atomic>
#include <memory>

#include "dist/group.h"

namespace cw {

/// The same ranks over memory that all of them see, or `group` itself where they are on several machines or see none together.
/// All of them call this. `stop` ends its waits, and so does the end of `group`'s job.
std::shared_ptr<Group> neighbours(const std::shared_ptr<Group>& group, const std::atomic<bool>* stop = nullptr);

/// The group of this rank's session: neighbours, where they are, else MPI. Throws as World::join does.
std::shared_ptr<Group> session_group(const std::atomic<bool>* stop);

}  // namespace cw
