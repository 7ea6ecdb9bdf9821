// Memory that was freed, back to the system.
#pragma once

namespace cw {

/// What the C library keeps of freed memory for later; nothing where it does not tell. Takes some milliseconds.
void give_back_freed_memory();

}  // namespace cw
