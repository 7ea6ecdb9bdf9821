#include "dist/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace cw {

bool SharedMemory::Address::is_near(const Address& other) const {
  return boot[0] != 0 && std::memcmp(boot, other.boot, sizeof boot) == 0 && process_namespace == other.process_namespace;
}

SharedMemory::Address SharedMemory::here() {
  Address a;
  if (const int file = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC); file >= 0) {
    if (::read(file, a.boot, sizeof a.boot - 1) <= 0) a.boot[0] = 0;
    ::close(file);
  }
  struct stat space {};
  if (stat("/proc/self/ns/pid", &space) == 0) a.process_namespace = space.st_ino;
  a.process = getpid();
  return a;
}

SharedMemory::~SharedMemory() {
  close();
  if (data_) munmap(data_, bytes_);
}

bool SharedMemory::create(size_t bytes) {
  const int file = memfd_create("clipwright ranks", MFD_CLOEXEC);
  if (file < 0) return false;
  uint64_t number = 0;
  const bool numbered = getrandom(&number, sizeof number, 0) == sizeof number;
  if (!numbered || ftruncate(file, static_cast<off_t>(bytes)) != 0 || !map(file, bytes)) {
    ::close(file);
    return false;
  }
  std::memcpy(data_, &number, sizeof number);
  address_.number = number;
  address_.descriptor = file;
  return true;
}

bool SharedMemory::open(const Address& of, size_t bytes) {
  const std::string path = "/proc/" + std::to_string(of.process) + "/fd/" + std::to_string(of.descriptor);
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return false;
  struct stat found {};
  const bool seen = fstat(file, &found) == 0 && found.st_size == static_cast<off_t>(bytes) && map(file, bytes);
  ::close(file);
  return seen && std::memcmp(data_, &of.number, sizeof of.number) == 0;
}

void SharedMemory::close() {
  if (address_.descriptor >= 0) ::close(address_.descriptor);
  address_.descriptor = -1;
}

bool SharedMemory::map(int descriptor, size_t bytes) {
  void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (at == MAP_FAILED) return false;
  data_ = static_cast<std::byte*>(at);
  bytes_ = bytes;
  return true;
}

}  // namespace cw
