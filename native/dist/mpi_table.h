// What clipwright_mpi.so offers: MPI's calls behind plain C, so that only that library is built against an MPI, and opened
// only in a process that an MPI started. Everything begins without waiting; words are four bytes.
#pragma once
#include <cstdint>

namespace cw {

struct MpiTable {
  int version;          // kMpiTableVersion of the build
  const char* library;  // which MPI it was built for

  /// Joins the job. Null, or why not.
  const char* (*join)(int* rank, int* size);
  /// Channels are independent of each other; each is used by one thread at a time.
  /// `mine` may lie where it will be in `all`.
  void* (*all_gather)(int channel, const void* mine, int words, void* all, const int* all_words, const int* at);
  void* (*exchange)(int channel, const void* base, const int* words, const int* at, void* theirs, const int* their_words,
                    const int* their_at);
  void* (*broadcast)(int channel, void* values, int words);
  /// Whether what the three began is done; what is done must not be asked again.
  bool (*done)(void* request);

  /// Sends up to kMpiNotice bytes to a rank, whether it listens or not.
  void (*notify)(int rank, const void* bytes, int count);
  /// Takes a notice if one is there: its length, or -1.
  int (*notice)(int* rank, void* bytes);

  /// Waits until every rank is here, then leaves MPI.
  void (*finalize)();
};

inline constexpr int kMpiTableVersion = 2;
inline constexpr int kMpiNotice = 1024;
inline constexpr int kMpiChannels = 3;
inline constexpr char kMpiTableSymbol[] = "clipwright_mpi_table";

}  // namespace cw
