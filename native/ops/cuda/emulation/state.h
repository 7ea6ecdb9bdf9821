// State shared by the files of the emulation: the current card and the launch that broke it.
#pragma once
#include <cstdint>
#include <string>

#include "ops/cuda/emulation/runtime.h"

namespace cw::emulation {

int current_device();
/// cudaErrorLaunchFailure once a launch on this card has failed: it stays until cudaDeviceReset.
cudaError_t sticky();
void break_device(int device, const std::string& why);
/// A card that hangs finishes nothing more, and calls that wait for it would never return: they end the process instead.
void hang_device(int device, bool hangs);
bool hangs();  // the current card
/// What timed events read on this thread: a clock that only work moves, each launch by a microsecond.
void pass_time(double ms);
int64_t graph_launches();  // on this thread
double device_time();
/// Whether this thread captures a stream. Calls that might wait, and those that take or give back memory, are then refused, as
/// a card's are unless the capture is a relaxed one.
bool captures();

/// Runs all that was put on the current card's streams.
void finish_device();
/// CUDA's bytes: CLIPWRIGHT_EMULATION_MEMORY (default 4 GiB) a card, CLIPWRIGHT_EMULATION_DEVICES (default 2) cards. Shared
/// memory: CLIPWRIGHT_EMULATION_SHARED bytes a block (default 99 KiB, the least of any card; 232448 on compute capability 9.0).
/// Compute capability: CLIPWRIGHT_EMULATION_CAPABILITY (default 80, which is 8.0).
size_t memory_of_device();
size_t shared_memory_of_block();
int device_count();

}  // namespace cw::emulation
