#include "graftwork/data/npz.h"

#include "unit/archive/zip_bytes.h"

namespace graftwork::core {
namespace {

using namespace testing;

using NpzTest = FolderTest;

Array counting(std::vector<int64_t> shape, uint8_t first) {
  const auto count = static_cast<size_t>(*element_count(shape, DType::kU8));
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(first + i);
  return make_array(DType::kU8, std::move(shape), std::move(bytes));
}

TEST_F(NpzTest, WritesWhatItReads) {
  const std::vector<NamedArray> arrays{{"x", counting({2, 3}, 1)}, {"a/b", counting({4}, 50)}};
  write_npz(path("a.npz"), arrays);
  const std::vector<NamedArray> again = read_npz(path("a.npz"));
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].name, "a/b");
  EXPECT_EQ(again[1].name, "x");
  EXPECT_EQ(again[1].array.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(as_text(again[1].array.bytes), as_text(arrays[0].array.bytes));
}

TEST_F(NpzTest, WritesTheSameBytesEachTime) {
  const std::vector<NamedArray> arrays{{"x", counting({2, 3}, 1)}};
  write_npz(path("a.npz"), arrays);
  write_npz(path("b.npz"), arrays);
  EXPECT_EQ(read_text(path("a.npz")), read_text(path("b.npz")));
}

TEST_F(NpzTest, SharesStoredArraysWithTheFile) {
  const std::vector<NamedArray> arrays{{"x", counting({2, 3}, 1)}};
  write_npz(path("a.npz"), arrays);
  const NpzReader reader(path("a.npz"));
  const Array first = reader.read(reader.entries()[0]);
  const Array second = reader.read(reader.entries()[0]);
  EXPECT_EQ(first.bytes.data(), second.bytes.data());
}

TEST_F(NpzTest, UnpacksCompressedArrays) {
  const Array array = counting({200, 3}, 0);
  put("c.npz", zip_bytes({deflated_part("x.npy", write_npy_bytes(array))}));
  const NpzReader reader(path("c.npz"));
  ASSERT_EQ(reader.entries().size(), 1u);
  EXPECT_TRUE(reader.entries()[0].is_compressed);
  EXPECT_EQ(reader.entries()[0].header.shape, (std::vector<int64_t>{200, 3}));
  EXPECT_EQ(as_text(reader.read(reader.entries()[0]).bytes), as_text(array.bytes));
}

TEST_F(NpzTest, RefusesACompressedArrayThatIsShorterThanItClaims) {
  ZipPart part = deflated_part("x.npy", write_npy_bytes(counting({200, 3}, 0)));
  part.size = *part.size + 5;
  put("c.npz", zip_bytes({part}));
  expect_error("archive.corrupt", "ends early", [&] { read_npz(path("c.npz")); });
}

TEST_F(NpzTest, AsksOfAllArraysBeforeItUnpacksAny) {
  ZipPart broken = deflated_part("a.npy", write_npy_bytes(counting({20000, 3}, 0)));
  broken.checksum = 1;  // which only unpacking all of it would find
  put("a.npz", zip_bytes({broken, deflated_part("b.npy", write_npy_bytes(counting({4}, 0)))}));
  std::vector<std::string> seen;
  const auto check = [&](const std::string& name, const NpyHeader& header) {
    seen.push_back(name + shape_text(header.shape));
    if (name == "b") throw Error("data.names", "b is not wanted");
  };
  expect_error("data.names", "not wanted", [&] { read_npz(path("a.npz"), check); });
  EXPECT_EQ(seen, (std::vector<std::string>{"a[20000, 3]", "b[4]"}));
}

TEST_F(NpzTest, UnpacksNoMoreThanItMay) {
  const std::string npy = write_npy_bytes(counting({200, 3}, 0));
  put("a.npz", zip_bytes({deflated_part("x.npy", npy), deflated_part("y.npy", npy), {.name = "z.npy", .body = npy}}));
  EXPECT_EQ(read_npz(path("a.npz"), nullptr, 1200).size(), 3U) << "what is stored lies in the file";
  expect_error("memory.limit", "takes 1.2 kB of memory", [&] { read_npz(path("a.npz"), nullptr, 1199); });
}

TEST_F(NpzTest, RefusesEntriesThatAreNoArrays) {
  put("a.npz", zip_bytes({{.name = "data.pkl", .body = "x"}}));
  expect_error("data.npz", "data.pkl", [&] { read_npz(path("a.npz")); });
  put("b.npz", zip_bytes({{.name = "x.npy", .body = "x"}}));
  expect_error("data.npy", "\"x.npy\"", [&] { read_npz(path("b.npz")); });
}

TEST_F(NpzTest, RefusesAnArrayWithoutAName) {
  put("a.npz", zip_bytes({{.name = ".npy", .body = write_npy_bytes(counting({2, 3}, 1))}}));
  expect_error("data.npz", "\".npy\"", [&] { read_npz(path("a.npz")); });
}

TEST_F(NpzTest, OpensManyCompressedArraysInTimeThatGrowsWithTheirNumber) {
  const std::string npy = write_npy_bytes(counting({2, 3}, 1));
  std::vector<ZipPart> parts;
  for (int i = 0; i < 20'000; ++i) parts.push_back(deflated_part(std::to_string(i) + ".npy", npy));
  put("many.npz", zip_bytes(parts));
  EXPECT_EQ(read_npz(path("many.npz")).size(), 20'000u);  // reading the directory for each would not come back
}

TEST_F(NpzTest, RefusesAFileCutAnywhere) {
  const std::string npy = write_npy_bytes(counting({200, 3}, 0));
  const std::string whole = zip_bytes({{.name = "x.npy", .body = npy}, deflated_part("y.npy", npy)});
  for (size_t step = 0; step < 50; ++step) {
    put("cut.npz", whole.substr(0, whole.size() * step / 50));
    expect_any_error([&] { read_npz(path("cut.npz")); });
  }
}

TEST_F(NpzTest, LeavesNothingBehindWhenItCannotWrite) {
  expect_error("file.unwritable", "no_folder", [&] { write_npz(path("no_folder") / "a.npz", {}); });
}

}  // namespace
}  // namespace graftwork::core
