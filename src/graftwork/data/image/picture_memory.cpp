#include "graftwork/data/image/picture_memory.h"

#include <algorithm>
#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {

PictureMemory::Room::Room(Room&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), bytes_(other.bytes_) {}

PictureMemory::Room& PictureMemory::Room::operator=(Room&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

PictureMemory::Room::~Room() {
  if (memory_) memory_->give_back(bytes_);
}

PictureMemory::Room PictureMemory::ask(int64_t bytes, int64_t file_bytes) {
  const int64_t beyond = bytes - std::min(file_bytes, bytes / kPictureBytesPerByte) * kPictureBytesPerByte;
  if (beyond > kMostPictureBytes) {
    throw Error("data.image",
                cat("decoding the picture takes ", human_bytes(static_cast<uint64_t>(bytes)),
                    ", too much for a file of ", human_bytes(static_cast<uint64_t>(file_bytes))),
                "a smaller picture");
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return taken_ + beyond <= kMostPictureBytes; });
  taken_ += beyond;
  return {*this, beyond};
}

void PictureMemory::give_back(int64_t bytes) {
  {
    const std::scoped_lock lock(mutex_);
    taken_ -= bytes;
  }
  changed_.notify_all();
}

}  // namespace graftwork::core
