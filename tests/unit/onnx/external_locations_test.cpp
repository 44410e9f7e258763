#include "graftwork/onnx/external_locations.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "graftwork/base/atomic_file.h"

namespace graftwork::core::onnx {
namespace {

using Names = std::set<std::string>;

class ExternalLocations : public ::testing::Test {
 protected:
  ExternalLocations()
      : path_(std::filesystem::temp_directory_path() / ("graftwork_locations_" + std::to_string(::getpid()))) {}
  ~ExternalLocations() override { std::filesystem::remove_all(path_); }

  Names of(const std::string& bytes) const {
    write_file(path_, bytes);
    return external_locations(path_);
  }

  std::filesystem::path path_;
};

std::string entry(const std::string& name) {
  std::string length(1, static_cast<char>(name.size() & 0x7f));
  if (name.size() >= 0x80) length = {static_cast<char>(name.size() | 0x80), static_cast<char>(name.size() >> 7)};
  return "\x0a\x08location\x12" + length + name;
}

TEST_F(ExternalLocations, FindsEveryNameOnce) {
  const std::string name(200, 'n');
  EXPECT_EQ(of("\x08" + entry("a.data") + "between" + entry(name) + entry("a.data")), (Names{"a.data", name}));
  EXPECT_EQ(of("a model without"), Names());
}

TEST_F(ExternalLocations, FindsNamesAcrossTheBlocksThatItReads) {
  for (const size_t before : {(1U << 20) - 12, (1U << 20) - 2, (1U << 20) + 4000, 3U << 20})
    EXPECT_EQ(of(std::string(before, 'x') + entry("a.data") + std::string(5000, 'y')), Names{"a.data"}) << before;
}

TEST_F(ExternalLocations, AreNotTenThousandTimesTheFile) {
  // Each entry begins within the one before, and is of the greatest length.
  std::string bytes;
  for (int i = 0; i < 20'000; ++i) bytes += std::string("\x0a\x08location\x12\x80\x20") + std::to_string(i);
  EXPECT_EQ(of(bytes).size(), 10'000U);
}

TEST_F(ExternalLocations, SayWhatWasNotSearched) {
  const auto search = [&] {
    const int fd = ::open(path_.c_str(), O_RDONLY);
    const Search found = find_location(fd, [](std::string_view name) { return name == "a.data"; });
    ::close(fd);
    return found;
  };
  write_file(path_, entry("a.data"));
  EXPECT_EQ(search(), Search::kFound);
  write_file(path_, entry("b.data"));
  EXPECT_EQ(search(), Search::kNone);
  std::filesystem::resize_file(path_, (256U << 20) + 1);
  EXPECT_EQ(search(), Search::kNotAsked);
}

TEST_F(ExternalLocations, TakesWhateverThereIs) {
  const std::string whole = entry("a.data");
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_EQ(of(whole.substr(0, size)), Names()) << size;
  EXPECT_EQ(of("\x0a\x08location\x12\xff\xff\xff\xff\xff" + std::string(10, 'x')), Names());
  std::filesystem::remove(path_);
  EXPECT_EQ(external_locations(path_), Names());
  std::filesystem::create_directories(path_);
  EXPECT_EQ(external_locations(path_), Names());
}

}  // namespace
}  // namespace graftwork::core::onnx
