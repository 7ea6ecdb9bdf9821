// Memory that processes of one machine see together. It has no name in any file system, so that nothing of it outlives them.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cw {

class SharedMemory {
 public:
  /// What another process needs to see it, and to know that it is this and no other machine's or container's.
  struct Address {
    char boot[40] = "";
    uint64_t process_namespace = 0;
    int32_t process = 0, descriptor = -1;
    uint64_t number = 0;

    bool is_near(const Address& other) const;
  };

  SharedMemory() = default;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();

  /// Zeros, but for the number at its begin. False, and no descriptor in the address, where the system gives none.
  bool create(size_t bytes);
  /// Another process's, while that has not closed it. False where it cannot be seen, or is not what the address tells.
  bool open(const Address& of, size_t bytes);
  /// Nobody can open it any more; who did sees it still.
  void close();

  const Address& address() const { return address_; }
  std::byte* data() const { return data_; }

 private:
  bool map(int descriptor, size_t bytes);

  Address address_ = here();
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;

  static Address here();
};

}  // namespace cw
