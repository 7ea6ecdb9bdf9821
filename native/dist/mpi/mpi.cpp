// clipwright_mpi.so: mpi_table.h over an MPI's C interface.
#include <mpi.h>

#include <cstring>
#include <list>
#include <mutex>

#include "dist/mpi_table.h"

namespace cw {
namespace {

constexpr int kNoticeTag = 7;

MPI_Comm channels[kMpiChannels], notices;
int own_rank;

/// Notices on their way: their bytes must stay until they have arrived.
struct Sent {
  char bytes[kMpiNotice];
  MPI_Request request;
};
std::list<Sent> sent;
std::mutex sent_mutex;

const char* join(int* rank, int* size) {
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (initialized) return "MPI was started in this process before";
  int level = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &level) != MPI_SUCCESS) return "MPI_Init_thread failed";
  if (level < MPI_THREAD_MULTIPLE) return "it does not offer MPI_THREAD_MULTIPLE, calls from several threads";
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  for (MPI_Comm& channel : channels) MPI_Comm_dup(MPI_COMM_WORLD, &channel);
  MPI_Comm_dup(MPI_COMM_WORLD, &notices);
  MPI_Comm_rank(MPI_COMM_WORLD, &own_rank);
  *rank = own_rank;
  MPI_Comm_size(MPI_COMM_WORLD, size);
  return nullptr;
}

void* all_gather(int channel, const void* mine, int words, void* all, const int* all_words, const int* at) {
  auto* request = new MPI_Request;
  if (mine == static_cast<const int32_t*>(all) + at[own_rank]) mine = MPI_IN_PLACE;
  MPI_Iallgatherv(mine, words, MPI_INT32_T, all, all_words, at, MPI_INT32_T, channels[channel], request);
  return request;
}

void* exchange(int channel, const void* base, const int* words, const int* at, void* theirs, const int* their_words,
               const int* their_at) {
  auto* request = new MPI_Request;
  MPI_Ialltoallv(base, words, at, MPI_INT32_T, theirs, their_words, their_at, MPI_INT32_T, channels[channel], request);
  return request;
}

void* broadcast(int channel, void* values, int words) {
  auto* request = new MPI_Request;
  MPI_Ibcast(values, words, MPI_INT32_T, 0, channels[channel], request);
  return request;
}

bool done(void* opaque) {
  auto* request = static_cast<MPI_Request*>(opaque);
  int flag = 0;
  MPI_Test(request, &flag, MPI_STATUS_IGNORE);
  if (flag) delete request;
  return flag != 0;
}

void notify(int rank, const void* bytes, int count) {
  const std::lock_guard lock(sent_mutex);
  for (auto s = sent.begin(); s != sent.end();) {
    int arrived = 0;
    MPI_Test(&s->request, &arrived, MPI_STATUS_IGNORE);
    s = arrived ? sent.erase(s) : std::next(s);
  }
  Sent& s = sent.emplace_back();
  std::memcpy(s.bytes, bytes, static_cast<size_t>(count));
  MPI_Isend(s.bytes, count, MPI_BYTE, rank, kNoticeTag, notices, &s.request);
}

int notice(int* rank, void* bytes) {
  int there = 0, count = 0;
  MPI_Status status;
  MPI_Iprobe(MPI_ANY_SOURCE, kNoticeTag, notices, &there, &status);
  if (!there) return -1;
  MPI_Get_count(&status, MPI_BYTE, &count);
  MPI_Recv(bytes, count, MPI_BYTE, status.MPI_SOURCE, kNoticeTag, notices, MPI_STATUS_IGNORE);
  *rank = status.MPI_SOURCE;
  return count;
}

void finalize() { MPI_Finalize(); }

#ifdef OPEN_MPI
constexpr char kLibrary[] = "Open MPI";
#elif defined(MPICH)
constexpr char kLibrary[] = "MPICH";
#else
constexpr char kLibrary[] = "an MPI";
#endif

}  // namespace
}  // namespace cw

extern "C" __attribute__((visibility("default"))) const cw::MpiTable* clipwright_mpi_table() {
  static const cw::MpiTable table{cw::kMpiTableVersion, cw::kLibrary, cw::join,   cw::all_gather, cw::exchange,
                                  cw::broadcast,        cw::done,     cw::notify, cw::notice,     cw::finalize};
  return &table;
}
