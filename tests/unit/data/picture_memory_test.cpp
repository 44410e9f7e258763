// Room for pictures that are decoded side by side.
#include "graftwork/data/image/picture_memory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "graftwork/base/error.h"

namespace graftwork::core {
namespace {

TEST(PictureMemory, GrantsWhatAFileHasPaidForAtOnce) {
  PictureMemory memory;
  const PictureMemory::Room first = memory.ask(kMostPictureBytes, 0);
  const PictureMemory::Room photo = memory.ask(int64_t{4'000'000} * kPictureBytesPerByte, 4'000'000);
  EXPECT_THROW(memory.ask(kMostPictureBytes + 1, 0), Error);
  EXPECT_THROW(memory.ask(kMostPictureBytes + kPictureBytesPerByte + 1, 1), Error);
}

TEST(PictureMemory, LetsTheOthersWait) {
  PictureMemory memory;
  std::atomic<bool> granted = false;
  auto first = std::make_unique<PictureMemory::Room>(memory.ask(kMostPictureBytes, 0));
  std::jthread other([&] {
    const PictureMemory::Room room = memory.ask(1, 0);
    granted = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(granted);
  first.reset();
  other.join();
  EXPECT_TRUE(granted);
}

}  // namespace
}  // namespace graftwork::core
