// What pictures may take while they are decoded: a few kilobytes can hold a gigabyte of pixels.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace graftwork::core {

/// Bytes of memory for each byte of a file, which it has paid for: a JPEG photo takes 10 to 40.
inline constexpr int64_t kPictureBytesPerByte = 50;
/// What pictures may take beyond that, all that are decoded at once together.
inline constexpr int64_t kMostPictureBytes = 160'000'000;

/// Lets pictures be decoded side by side as long as they take little more than their files say, and one after the other
/// where they take much more. Shared by the threads that decode.
class PictureMemory {
 public:
  /// Gives back what was asked for.
  class Room {
   public:
    Room() = default;
    Room(PictureMemory& memory, int64_t bytes) : memory_(&memory), bytes_(bytes) {}
    Room(Room&& other) noexcept;
    Room& operator=(Room&& other) noexcept;
    ~Room();

   private:
    PictureMemory* memory_ = nullptr;
    int64_t bytes_ = 0;
  };

  /// Room for `bytes` of memory for a file of `file_bytes`; waits until there is. Throws Error "data.image" for a
  /// picture that takes more than any may.
  Room ask(int64_t bytes, int64_t file_bytes);

 private:
  void give_back(int64_t bytes);

  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t taken_ = 0;
};

}  // namespace graftwork::core
