// Preloaded into a program (LD_PRELOAD): fails, cuts short or slows down calls of the system for files of one folder.
// CLIPWRIGHT_IO: folder:calls:at:times:kind:report, as io-faults.ts writes it.
// - folder: only files whose path begins so count
// - calls: those that count, with commas: read, write, sync, open, rename, names; memory: pages that a library of the folder asks for
// - at: the number of the first that is struck, from 1; 0 strikes none. times: how many in a row
// - kind: an error's number, "short" (half of what was asked for, with success), "slow" (50 ms late), or "kill"
// - report: a file that always holds two 64-bit numbers: calls that counted, and those that were struck
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

struct Report {
  std::atomic<uint64_t> counted, struck;
};

struct Plan {
  std::string folder, calls, kind;
  uint64_t at = 0, times = 1;
  Report* report = nullptr;
};

const Plan& plan() {
  static const Plan* const made = [] {
    auto* p = new Plan;
    const char* text = getenv("CLIPWRIGHT_IO");
    std::vector<std::string> parts{""};
    for (; text && *text; ++text) *text == ':' ? (void)parts.emplace_back() : parts.back().push_back(*text);
    if (parts.size() != 6) return p;
    p->folder = parts[0], p->calls = "," + parts[1] + ",", p->kind = parts[4];
    p->at = strtoull(parts[2].c_str(), nullptr, 10), p->times = strtoull(parts[3].c_str(), nullptr, 10);
    // By the system's own calls: these here ask for the plan.
    const int fd = next<int(const char*, int, ...)>("open")(parts[5].c_str(), O_RDWR | O_CREAT, 0600);
    if (fd < 0 || next<int(int, off_t)>("ftruncate")(fd, sizeof(Report)) != 0) abort();
    p->report = static_cast<Report*>(mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    if (p->report == MAP_FAILED) abort();
    close(fd);
    return p;
  }();
  return *made;
}

enum class Strike { none, error, cut };

/// What becomes of a call of this kind on this path; an error is in errno then.
Strike strike(const char* call, const std::string& path) {
  const Plan& p = plan();
  if (!p.report || p.calls.find(std::string(",") + call + ",") == std::string::npos) return Strike::none;
  if (path.compare(0, p.folder.size(), p.folder) != 0) return Strike::none;
  const uint64_t number = ++p.report->counted;
  if (p.at == 0 || number < p.at || number >= p.at + p.times) return Strike::none;
  ++p.report->struck;
  if (p.kind == "kill") {
    raise(SIGKILL);
    for (;;) pause();
  }
  if (p.kind == "slow") usleep(50'000);
  if (p.kind == "slow") return Strike::none;
  if (p.kind == "short") return Strike::cut;
  errno = atoi(p.kind.c_str());
  return Strike::error;
}

Strike strike(const char* call, int fd) {
  if (!plan().report) return Strike::none;
  const int before = errno;
  char link[32], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path);
  errno = before;
  return length > 0 ? strike(call, std::string(path, static_cast<size_t>(length))) : Strike::none;
}

std::string absolute(const char* path) {
  if (!path || *path == '/') return path ? path : "";
  char here[PATH_MAX];
  return getcwd(here, sizeof here) ? std::string(here) + "/" + path : path;
}

/// At least one, so that whoever goes on comes to an end.
size_t half(size_t count) { return count > 1 ? count / 2 : count; }

/// The first half of these, into `cut`.
int halved(const iovec* from, int count, std::vector<iovec>& cut) {
  size_t all = 0;
  for (int i = 0; i < count; ++i) all += from[i].iov_len;
  size_t left = half(all);
  for (int i = 0; i < count && left > 0; ++i) {
    cut.push_back({from[i].iov_base, from[i].iov_len < left ? from[i].iov_len : left});
    left -= cut.back().iov_len;
  }
  return static_cast<int>(cut.size());
}

}  // namespace

#define NEXT(name) static auto* const original = next<decltype(name)>(#name)

extern "C" {

#define BYTES(name, call, pointer)                                                   \
  ssize_t name(int fd, pointer data, size_t count) {                                 \
    NEXT(name);                                                                      \
    const Strike s = strike(call, fd);                                               \
    return s == Strike::error ? -1 : original(fd, data, s == Strike::cut ? half(count) : count); \
  }
BYTES(write, "write", const void*)
BYTES(read, "read", void*)

#define BYTES_AT(name, call, pointer, offset)                                        \
  ssize_t name(int fd, pointer data, size_t count, offset at) {                      \
    NEXT(name);                                                                      \
    const Strike s = strike(call, fd);                                               \
    return s == Strike::error ? -1 : original(fd, data, s == Strike::cut ? half(count) : count, at); \
  }
BYTES_AT(pwrite, "write", const void*, off_t)
BYTES_AT(pwrite64, "write", const void*, off64_t)
BYTES_AT(pread, "read", void*, off_t)
BYTES_AT(pread64, "read", void*, off64_t)

#define VECTORS(name, call)                                          \
  ssize_t name(int fd, const iovec* parts, int count) {              \
    NEXT(name);                                                      \
    const Strike s = strike(call, fd);                               \
    if (s == Strike::error) return -1;                               \
    std::vector<iovec> cut;                                          \
    if (s == Strike::cut) count = halved(parts, count, cut);         \
    return original(fd, s == Strike::cut ? cut.data() : parts, count); \
  }
VECTORS(writev, "write")
VECTORS(readv, "read")

#define VECTORS_AT(name, call, offset)                                     \
  ssize_t name(int fd, const iovec* parts, int count, offset at) {         \
    NEXT(name);                                                            \
    const Strike s = strike(call, fd);                                     \
    if (s == Strike::error) return -1;                                     \
    std::vector<iovec> cut;                                                \
    if (s == Strike::cut) count = halved(parts, count, cut);               \
    return original(fd, s == Strike::cut ? cut.data() : parts, count, at); \
  }
VECTORS_AT(pwritev, "write", off_t)
VECTORS_AT(pwritev64, "write", off64_t)
VECTORS_AT(preadv, "read", off_t)
VECTORS_AT(preadv64, "read", off64_t)

#define ON_OPEN_FILE(name, call, ...)                                      \
  {                                                                        \
    NEXT(name);                                                            \
    return strike(call, fd) == Strike::error ? -1 : original(__VA_ARGS__); \
  }
int fsync(int fd) ON_OPEN_FILE(fsync, "sync", fd)
int fdatasync(int fd) ON_OPEN_FILE(fdatasync, "sync", fd)
int ftruncate(int fd, off_t length) noexcept ON_OPEN_FILE(ftruncate, "write", fd, length)
int ftruncate64(int fd, off64_t length) noexcept ON_OPEN_FILE(ftruncate64, "write", fd, length)

#define OPEN(name)                                                  \
  int name(const char* path, int flags, ...) {                      \
    NEXT(name);                                                     \
    va_list rest;                                                   \
    va_start(rest, flags);                                          \
    const mode_t mode = va_arg(rest, mode_t);                       \
    va_end(rest);                                                   \
    return strike("open", absolute(path)) == Strike::error ? -1 : original(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

#define MAP(name, offset)                                                                         \
  void* name(void* at, size_t length, int access, int flags, int fd, offset from) noexcept {       \
    NEXT(name);                                                                                   \
    Dl_info caller{};                                                                             \
    const bool known = (flags & MAP_ANONYMOUS) && dladdr(__builtin_return_address(0), &caller);   \
    const bool fails = known && caller.dli_fname && strike("memory", caller.dli_fname) == Strike::error; \
    return fails ? MAP_FAILED : original(at, length, access, flags, fd, from);                    \
  }
MAP(mmap, off_t)
MAP(mmap64, off64_t)

#define ON_PATH(name, call, path, ...)                                                 \
  {                                                                                    \
    NEXT(name);                                                                        \
    return strike(call, absolute(path)) == Strike::error ? -1 : original(__VA_ARGS__); \
  }
int rename(const char* from, const char* to) noexcept ON_PATH(rename, "rename", to, from, to)
int link(const char* from, const char* to) noexcept ON_PATH(link, "names", to, from, to)
int unlink(const char* path) noexcept ON_PATH(unlink, "names", path, path)
int rmdir(const char* path) noexcept ON_PATH(rmdir, "names", path, path)
int mkdir(const char* path, mode_t mode) noexcept ON_PATH(mkdir, "names", path, path, mode)

}  // extern "C"
