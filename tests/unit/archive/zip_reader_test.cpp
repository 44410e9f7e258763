#include "graftwork/archive/zip_reader.h"

#include <memory>

#include "graftwork/archive/inflate.h"
#include "unit/archive/zip_bytes.h"

namespace graftwork::core {
namespace {

using namespace testing;

ZipReader read(const std::string& bytes) {
  auto owner = std::make_shared<const std::string>(bytes);
  return {as_bytes(*owner), owner, "test.zip"};
}

TEST(ZipReader, GivesStoredEntriesByNameInSortedOrder) {
  const ZipReader zip = read(zip_bytes({{.name = "b", .body = "second"}, {.name = "a/x", .body = "first"}}));
  EXPECT_EQ(zip.names(), (std::vector<std::string_view>{"a/x", "b"}));
  EXPECT_TRUE(zip.contains("b"));
  EXPECT_FALSE(zip.contains("c"));
  EXPECT_EQ(as_text(zip.entry("a/x")), "first");
  EXPECT_EQ(as_text(zip.entry("b")), "second");
}

TEST(ZipReader, ViewsTheFileInsteadOfCopyingAndKeepsItAlive) {
  std::weak_ptr<const void> watched;
  {
    std::shared_ptr<const void> kept;
    std::span<const std::byte> view;
    {
      const ZipReader zip = read(zip_bytes({{.name = "a", .body = "bytes"}}));
      view = zip.entry("a");
      EXPECT_GE(view.data(), zip.bytes().data());
      EXPECT_LT(view.data(), zip.bytes().data() + zip.bytes().size());
      kept = zip.owner();
      watched = kept;
    }
    EXPECT_EQ(as_text(view), "bytes");
  }
  EXPECT_TRUE(watched.expired());
}

TEST(ZipReader, ReadsEmptyArchivesEmptyEntriesAndComments) {
  EXPECT_TRUE(read(zip_bytes({})).entries().empty());
  const ZipReader zip = read(zip_bytes({{.name = "a", .body = ""}}, {.comment = "made by PK\x05\x06 hand"}));
  EXPECT_TRUE(zip.entry("a").empty());
}

TEST(ZipReader, LeavesFoldersOut) {
  const ZipReader zip = read(zip_bytes({{.name = "d/", .body = ""}, {.name = "d/a", .body = "1"}}));
  EXPECT_EQ(zip.names(), std::vector<std::string_view>{"d/a"});
}

TEST(ZipReader, ReadsTheWideNumbersOfZip64) {
  const ZipReader zip = read(zip_bytes({{.name = "a", .body = "one", .wide = true}, {.name = "b", .body = "two"}},
                                       {.count = 0xffff, .directory_offset = 0xffffffff, .wide = true}));
  EXPECT_EQ(as_text(zip.entry("a")), "one");
  EXPECT_EQ(as_text(zip.entry("b")), "two");
}

TEST(ZipReader, SaysThatOtherFilesAreNoArchive) {
  expect_error("archive.format", "test.zip", [] { read("not a zip archive at all, but long enough to be one"); });
  expect_error("archive.format", "not a zip", [] { read("x"); });
}

TEST(ZipReader, RefusesAnArchiveCutAnywhere) {
  const std::string whole = zip_bytes(
      {{.name = "a", .body = std::string(300, 'a')}, {.name = "b", .body = std::string(100, 'b'), .wide = true}},
      {.wide = true});
  ASSERT_EQ(read(whole).entries().size(), 2u);
  for (size_t step = 0; step < 50; ++step) {
    const std::string cut = whole.substr(0, whole.size() * step / 50);
    if (cut.empty()) continue;
    expect_any_error([&] { read(cut); });
  }
  expect_error("archive.truncated", "ends before its directory", [&] { read(whole.substr(0, whole.size() - 1)); });
}

TEST(ZipReader, RefusesAnyFlippedByteOrReadsEntriesThatLieInsideTheFile) {
  const std::string whole =
      zip_bytes({{.name = "a", .body = "aaaa"}, {.name = "b", .body = "bb", .wide = true}}, {.wide = true});
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      std::string broken = whole;
      broken[at] = static_cast<char>(broken[at] ^ flip);
      try {
        const ZipReader zip = read(broken);
        for (const ZipEntry& entry : zip.entries()) {
          EXPECT_LE(entry.packed.data() + entry.packed.size(), zip.bytes().data() + zip.bytes().size());
        }
      } catch (const Error&) {
        continue;
      }
    }
  }
}

TEST(ZipReader, RefusesEntriesOutsideTheFile) {
  expect_error("archive.bounds", "\"a\"", [] { read(zip_bytes({{.name = "a", .body = "x", .offset = 5000}})); });
  expect_error("archive.bounds", "\"a\" reaches beyond",
               [] { read(zip_bytes({{.name = "a", .body = "x", .packed_size = 5000, .size = 5000}})); });
  expect_error("archive.bounds", "directory", [] { read(zip_bytes({}, {.directory_offset = 77})); });
}

TEST(ZipReader, RefusesEntriesThatShareBytes) {
  // Both names lead to one header, which also begins with the name "a".
  expect_error("archive.overlap", "share bytes",
               [] { read(zip_bytes({{.name = "a", .body = "x"}, {.name = "a", .body = "x", .offset = 0}})); });
  expect_error("archive.overlap", "\"a\" and \"b\"", [] {
    read(zip_bytes({{.name = "a", .body = "x", .packed_size = 20, .size = 20}, {.name = "b", .body = "yyyy"}}));
  });
}

TEST(ZipReader, RefusesTwoEntriesOfOneName) {
  expect_error("archive.duplicate", "\"a\"", [] {
    read(zip_bytes({{.name = "a", .body = "x"}, {.name = "b", .body = "y"}, {.name = "a", .body = "z"}}));
  });
}

TEST(ZipReader, RefusesAnEntryWhoseOwnHeaderHasAnotherName) {
  expect_error("archive.corrupt", "another name",
               [] { read(zip_bytes({{.name = "a", .body = "x", .local_name = "b"}})); });
}

TEST(ZipReader, RefusesNamesThatLeadOut) {
  for (const char* name : {"../a", "a/../../b", "a/..", "..", "/a", "C:", "c:/a", "C:\\a", "a\\b", "\\\\host\\a", ""}) {
    expect_error("archive.name", "named", [&] { read(zip_bytes({{.name = name, .body = "x"}})); });
  }
  expect_error("archive.name", "zero byte", [] { read(zip_bytes({{.name = std::string("a\0b", 3), .body = "x"}})); });
  for (const char* name : {"a..b", "...", "a/..b/c", ".a", "x:0.npy", "C:a", "1:/a"}) {
    EXPECT_TRUE(read(zip_bytes({{.name = name, .body = "x"}})).contains(name));
  }
}

TEST(ZipReader, ComparesTheChecksumOfWhatIsRead) {
  const ZipReader zip = read(zip_bytes({{.name = "a", .body = "text"}, {.name = "b", .body = "text", .checksum = 7}}));
  EXPECT_EQ(as_text(zip.entry("a")), "text");
  for (int i = 0; i < 2; ++i)
    expect_error("archive.corrupt", "entry \"b\" is damaged: its checksum is another", [&] { zip.entry("b"); });
  expect_error("archive.corrupt", "\"b\"", [&] { zip.check_entries(); });
  read(zip_bytes({{.name = "a", .body = "text"},
                  {.name = "b", .body = deflated("text"), .method = 8, .size = 4, .checksum = crc_of("text")}}))
      .check_entries();
}

TEST(ZipReader, RefusesAnyFlippedBitOfAnEntry) {
  const std::string body(100, 'x');
  const std::string whole = zip_bytes({{.name = "a", .body = body}});
  const size_t begin = whole.find(body);
  for (size_t bit = 0; bit < 8 * body.size(); ++bit) {
    std::string broken = whole;
    broken[begin + bit / 8] = static_cast<char>(broken[begin + bit / 8] ^ (1 << bit % 8));
    expect_error("archive.corrupt", "\"a\"", [&] { read(broken).entry("a"); });
  }
}

TEST(ZipReader, ReadsAnEntryOnceToCompareIt) {
  auto bytes = std::make_shared<std::string>(zip_bytes({{.name = "a", .body = "text"}}));
  const ZipReader zip(as_bytes(*bytes), bytes, "test.zip");
  zip.entry("a");
  (*bytes)[bytes->find("text")] = 'T';
  EXPECT_EQ(as_text(zip.entry("a")), "Text") << "weights that many tensors view are not read for each";
}

/// torch.serialization.set_crc32_options(False).
TEST(ZipReader, TakesArchivesWithoutChecksumsAsTheyAre) {
  const ZipReader zip =
      read(zip_bytes({{.name = "a", .body = "text", .checksum = 0}, {.name = "b", .body = "more", .checksum = 0}}));
  EXPECT_EQ(as_text(zip.entry("a")), "text");
  zip.check_entries();
  // One that has some has all.
  expect_error("archive.corrupt", "\"a\"", [] {
    read(zip_bytes({{.name = "a", .body = "text", .checksum = 0}, {.name = "b", .body = "more"}})).entry("a");
  });
}

TEST(ZipReader, RefusesAnEntryWhoseOwnHeaderContradictsTheDirectory) {
  const std::string honest = zip_bytes({{.name = "a", .body = "text"}});
  // Checksum, packed size, size and method of the local header, which is the first.
  for (const size_t at : {14u, 18u, 22u, 8u}) {
    std::string lying = honest;
    lying[at] = static_cast<char>(lying[at] ^ 9);
    expect_error("archive.corrupt", "described otherwise", [&] { read(lying); });
  }
}

TEST(ZipReader, RefusesMoreThanDeflateCanHold) {
  ZipPart part = deflated_part("a", "text");
  part.size = 0xfffffff0u;
  expect_error("archive.corrupt", "claims to unpack", [&] { read(zip_bytes({part})); });
}

TEST(ZipReader, RefusesEncryptedEntries) {
  expect_error("archive.encrypted", "\"a\"", [] { read(zip_bytes({{.name = "a", .body = "x", .flags = 1}})); });
}

TEST(ZipReader, RefusesAbsurdCountsBeforeAllocating) {
  expect_error("archive.corrupt", "room for 1",
               [] { read(zip_bytes({{.name = "a", .body = "x"}}, {.count = 60000})); });
  expect_error("archive.corrupt", "room for", [] {
    read(zip_bytes({{.name = "a", .body = "x"}}, {.count = 0xffff, .wide = true, .wide_count = uint64_t{1} << 62}));
  });
  expect_error("archive.corrupt", "more than its entries",
               [] { read(zip_bytes({{.name = "a", .body = "x"}, {.name = "b", .body = "y"}}, {.count = 1})); });
}

TEST(ZipReader, RefusesEndRecordsThatContradictEachOther) {
  expect_error("archive.corrupt", "contradict",
               [] { read(zip_bytes({{.name = "a", .body = "x"}}, {.count = 2, .wide = true})); });
}

TEST(ZipReader, RefusesAViewOfACompressedEntry) {
  const ZipReader zip = read(zip_bytes({deflated_part("a", "text")}));
  expect_error("archive.compressed", "\"a\"", [&] { zip.entry("a"); });
}

TEST(ZipReader, SaysWhichEntryIsMissing) {
  expect_error("archive.missing", "\"b\"", [] { read(zip_bytes({{.name = "a", .body = "x"}})).entry("b"); });
}

TEST(Inflate, UnpacksACompressedEntryOrItsBeginning) {
  const std::string text = "some text " + std::string(100'000, '.');
  const ZipReader zip = read(zip_bytes({deflated_part("a", text), {.name = "b", .body = "stored"}}));
  const std::vector<std::byte> whole = inflate(zip, "a");
  EXPECT_EQ(as_text(whole), text);
  EXPECT_EQ(as_text(inflate(zip, "a", 9)), "some text");
  EXPECT_EQ(as_text(inflate(zip, "b")), "stored");
}

TEST(Inflate, RefusesASizeThatIsALie) {
  for (const uint32_t lie : {3u, 5u, 5000u}) {
    ZipPart part = deflated_part("a", "text");
    part.size = lie;
    const ZipReader zip = read(zip_bytes({part}));
    expect_error("archive.corrupt", "\"a\"", [&] { inflate(zip, "a"); });
  }
}

TEST(Inflate, RefusesDamagedData) {
  ZipPart part = deflated_part("a", "text");
  part.body.back() = 'T';
  const ZipReader zip = read(zip_bytes({part}));
  expect_error("archive.corrupt", "\"a\"", [&] { inflate(zip, "a"); });
  expect_error("archive.missing", "\"b\"", [&] { inflate(zip, "b"); });
}

TEST(Inflate, RefusesOtherCompression) {
  for (const uint16_t method : std::initializer_list<uint16_t>{1, 9, 12, 14, 93}) {
    const ZipReader zip = read(zip_bytes({{.name = "a", .body = "text", .method = method}}));
    expect_error("archive.method", "\"a\"", [&] { inflate(zip, "a"); });
  }
}

}  // namespace
}  // namespace graftwork::core
