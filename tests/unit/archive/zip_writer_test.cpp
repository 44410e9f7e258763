#include "graftwork/archive/zip_writer.h"

#include <array>
#include <memory>

#include "graftwork/archive/inflate.h"
#include "graftwork/archive/zip_reader.h"
#include "support/reader_testing.h"

namespace graftwork::core {
namespace {

using namespace testing;

using ZipWriterTest = FolderTest;

void write(const std::filesystem::path& path) {
  AtomicFile file(path);
  ZipWriter writer(file);
  const std::array<std::span<const std::byte>, 2> pieces{as_bytes("head"), as_bytes("body")};
  writer.add("a", pieces);
  writer.add("a long name", std::array{as_bytes("")});
  writer.add("b", std::array{as_bytes("tail")});
  writer.finish();
  file.commit();
}

TEST_F(ZipWriterTest, WritesWhatTheReaderReads) {
  write(path("a.zip"));
  const ZipReader zip(std::make_shared<const MappedFile>(path("a.zip")));
  EXPECT_EQ(zip.names(), (std::vector<std::string_view>{"a", "a long name", "b"}));
  EXPECT_EQ(as_text(zip.entry("a")), "headbody");
  EXPECT_TRUE(zip.entry("a long name").empty());
  EXPECT_EQ(as_text(zip.entry("b")), "tail");
}

TEST_F(ZipWriterTest, WritesChecksumsThatTheReaderAccepts) {
  write(path("a.zip"));
  const ZipReader zip(std::make_shared<const MappedFile>(path("a.zip")));
  EXPECT_EQ(as_text(inflate(zip, "a")), "headbody");
  EXPECT_EQ(as_text(inflate(zip, "b")), "tail");
}

TEST_F(ZipWriterTest, BeginsEveryEntryAtAMultipleOf64) {
  write(path("a.zip"));
  const ZipReader zip(std::make_shared<const MappedFile>(path("a.zip")));
  EXPECT_GT(zip.entries().size(), 1U);
  for (const ZipEntry& entry : zip.entries()) EXPECT_EQ((entry.packed.data() - zip.bytes().data()) % 64, 0);
}

TEST_F(ZipWriterTest, GivesTheSameBytesEachTime) {
  write(path("a.zip"));
  write(path("b.zip"));
  EXPECT_EQ(read_text(path("a.zip")), read_text(path("b.zip")));
}

TEST_F(ZipWriterTest, WritesMoreEntriesThanTheClassicFormatCanCount) {
  {
    AtomicFile file(path("many.zip"));
    ZipWriter writer(file);
    for (int i = 0; i < 70'000; ++i) writer.add(std::to_string(i), std::array{as_bytes("x")});
    writer.finish();
    file.commit();
  }
  const ZipReader zip(std::make_shared<const MappedFile>(path("many.zip")));
  EXPECT_EQ(zip.entries().size(), 70'000u);
  EXPECT_EQ(as_text(zip.entry("69999")), "x");
}

}  // namespace
}  // namespace graftwork::core
