#include "graftwork/data/dataset.h"

#include <thread>

#include "graftwork/data/npz.h"
#include "unit/archive/zip_bytes.h"

namespace graftwork::core {
namespace {

using namespace testing;

class DatasetTest : public FolderTest {
 protected:
  /// `count` samples of shape [2], numbered on from `first`.
  static Array samples(int64_t count, uint8_t first, DType type = DType::kU8) {
    std::vector<std::byte> bytes(static_cast<size_t>(count) * 2 * dtype_bytes(type));
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(first + i / 2);
    return make_array(type, {count, 2}, std::move(bytes));
  }

  void put_npy(std::string_view name, const Array& array) const { put(name, write_npy_bytes(array)); }
  void put_npz(std::string_view name, const std::vector<NamedArray>& arrays) const { write_npz(path(name), arrays); }
  std::filesystem::path folder(std::string_view name) const {
    std::filesystem::create_directories(path(name));
    return path(name);
  }
};

std::vector<int> numbers(const Array& array) {
  std::vector<int> out;
  for (size_t i = 0; i < array.bytes.size(); i += 2) out.push_back(static_cast<int>(array.bytes[i]));
  return out;
}

TEST_F(DatasetTest, ReadsOneArrayWithoutAName) {
  put_npy("x.npy", samples(5, 0));
  const Dataset data = Dataset::open(path("x.npy"));
  EXPECT_EQ(data.size(), 5);
  EXPECT_EQ(data.names(), std::vector<std::string>{""});
  EXPECT_EQ(data.fields()[0].shape, std::vector<int64_t>{2});
  const Array range = data.sample_range("", 1, 4);
  EXPECT_EQ(range.shape, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(numbers(range), (std::vector<int>{1, 2, 3}));
}

TEST_F(DatasetTest, SharesTheMappedFile) {
  put_npy("x.npy", samples(5, 0));
  Array whole;
  Array part;
  {
    const Dataset data = Dataset::open(path("x.npy"));
    whole = data.sample_range("", 0, 5);
    part = data.sample_range("", 2, 4);
  }
  EXPECT_EQ(part.bytes.data(), whole.bytes.data() + 4);
  EXPECT_EQ(numbers(part), (std::vector<int>{2, 3}));
}

TEST_F(DatasetTest, ReadsInputsByName) {
  put_npz("d.npz", {{"mask", samples(3, 10)}, {"image", samples(3, 0, DType::kI8)}});
  const Dataset data = Dataset::open(path("d.npz"));
  EXPECT_EQ(data.size(), 3);
  EXPECT_EQ(data.names(), (std::vector<std::string>{"image", "mask"}));
  EXPECT_TRUE(data.contains("mask"));
  EXPECT_EQ(data.sample_range("image", 0, 1).type, DType::kI8);
  EXPECT_EQ(numbers(data.sample_range("mask", 2, 3)), std::vector<int>{12});
  expect_error("data.names", "\"image\", \"mask\"", [&] { data.sample_range("label", 0, 1); });
}

TEST_F(DatasetTest, JoinsTheFilesOfAFolderInTheOrderOfTheirNames) {
  folder("d");
  put_npy("d/b.npy", samples(2, 3));
  put_npy("d/c.npy", samples(4, 5));
  put_npy("d/a.npy", samples(3, 0));
  put("d/notes.txt", "not data");
  const Dataset data = Dataset::open(path("d"));
  EXPECT_EQ(data.size(), 9);
  EXPECT_EQ(numbers(data.sample_range("", 0, 9)), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8}));
  for (int begin = 0; begin <= 9; ++begin) {
    for (int end = begin; end <= 9; ++end) {
      std::vector<int> wanted;
      for (int i = begin; i < end; ++i) wanted.push_back(i);
      const Array range = data.sample_range("", begin, end);
      EXPECT_EQ(range.shape, (std::vector<int64_t>{end - begin, 2}));
      EXPECT_EQ(numbers(range), wanted);
    }
  }
}

TEST_F(DatasetTest, JoinsFilesOfNamedAndCompressedArrays) {
  folder("d");
  put_npz("d/0.npz", {{"x", samples(2, 0)}});
  put("d/1.npz", zip_bytes({deflated_part("x.npy", write_npy_bytes(samples(3, 2)))}));
  put("d/2.npz", zip_bytes({deflated_part("x.npy", write_npy_bytes(samples(1, 5)))}));
  const Dataset data = Dataset::open(path("d"));
  EXPECT_EQ(numbers(data.sample_range("x", 1, 6)), (std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_EQ(numbers(data.sample_range("x", 2, 4)), (std::vector<int>{2, 3}));
}

TEST_F(DatasetTest, UnpacksACompressedFileOnceForManyRanges) {
  put("x.npz", zip_bytes({deflated_part("x.npy", write_npy_bytes(samples(4, 0)))}));
  const Dataset data = Dataset::open(path("x.npz"));
  EXPECT_EQ(data.sample_range("x", 1, 2).bytes.data(), data.sample_range("x", 0, 1).bytes.data() + 2);
}

TEST_F(DatasetTest, ServesManyThreads) {
  folder("d");
  for (int i = 0; i < 4; ++i) {
    put("d/" + std::to_string(i) + ".npz",
        zip_bytes({deflated_part("x.npy", write_npy_bytes(samples(5, static_cast<uint8_t>(5 * i))))}));
  }
  const Dataset data = Dataset::open(path("d"));
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) wrong[t] += numbers(data.sample_range("x", i, i + 1)) != std::vector<int>{i};
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST_F(DatasetTest, SaysWhatIsMissingOrUnknown) {
  expect_error("file.missing", "nowhere", [&] { Dataset::open(path("nowhere")); });
  put("x.csv", "1,2");
  expect_error("data.format", "x.csv", [&] { Dataset::open(path("x.csv")); });
  put("x.npy", "");
  expect_error("file.empty", "x.npy", [&] { Dataset::open(path("x.npy")); });
  put("x.npz", "not a zip at all, only text in a file with that ending");
  expect_error("archive.format", "x.npz", [&] { Dataset::open(path("x.npz")); });
}

TEST_F(DatasetTest, RefusesDataWithoutSamples) {
  folder("d");
  expect_error("data.empty", "holds no .npy", [&] { Dataset::open(path("d")); });
  put_npy("x.npy", samples(0, 0));
  expect_error("data.empty", "no samples", [&] { Dataset::open(path("x.npy")); });
  put_npz("x.npz", {});
  expect_error("data.empty", "no arrays", [&] { Dataset::open(path("x.npz")); });
  put_npy("y.npy", make_array(DType::kU8, {4, 0}, {}));
  expect_error("data.shape", "[4, 0]", [&] { Dataset::open(path("y.npy")); });
}

TEST_F(DatasetTest, RefusesArraysWithoutAnAxisOfSamples) {
  put_npy("x.npy", make_array(DType::kU8, {}, std::vector<std::byte>(1)));
  expect_error("data.rank", "x.npy", [&] { Dataset::open(path("x.npy")); });
}

TEST_F(DatasetTest, RefusesInputsOfUnequalLength) {
  put_npz("d.npz", {{"a", samples(3, 0)}, {"b", samples(4, 0)}});
  expect_error("data.lengths", "\"b\" holds 4 samples, but array \"a\" holds 3", [&] { Dataset::open(path("d.npz")); });
}

TEST_F(DatasetTest, RefusesFilesOfAFolderThatDoNotFitTogether) {
  folder("d");
  put_npz("d/0.npz", {{"x", samples(2, 0)}});
  put_npz("d/1.npz", {{"y", samples(2, 0)}});
  expect_error("data.names", "1.npz", [&] { Dataset::open(path("d")); });
  put_npz("d/1.npz", {{"x", samples(2, 0)}, {"y", samples(2, 0)}});
  expect_error("data.names", "\"x\", \"y\"", [&] { Dataset::open(path("d")); });
  put_npz("d/1.npz", {{"x", samples(2, 0, DType::kI64)}});
  expect_error("data.dtype", "i64", [&] { Dataset::open(path("d")); });
  put_npz("d/1.npz", {{"x", make_array(DType::kU8, {2, 1, 2}, std::vector<std::byte>(4))}});
  expect_error("data.shape", "[1, 2]", [&] { Dataset::open(path("d")); });
  folder("e");
  put("e/cat.png", "");
  expect_error("data.format", "pictures", [&] { Dataset::open(path("e")); });
}

TEST_F(DatasetTest, FollowsExtentsThatDifferBetweenFiles) {
  folder("d");
  put_npy("d/0.npy", samples(2, 0));
  put_npy("d/1.npy", make_array(DType::kU8, {1, 3}, std::vector<std::byte>(3)));
  const Dataset data = Dataset::open(path("d"));
  EXPECT_EQ(data.fields()[0].shape, std::vector<int64_t>{Dataset::kVaries});
  EXPECT_EQ(data.sample_range("", 0, 2).shape, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(data.sample_range("", 2, 3).shape, (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(data.file_shapes("")[1].shape, std::vector<int64_t>{3});
  EXPECT_EQ(data.file(1), path("d/0.npy"));
  EXPECT_EQ(data.file(2), path("d/1.npy"));
  expect_error("data.shape", "samples 1 and 2", [&] { data.sample_range("", 1, 3); });
}

TEST_F(DatasetTest, CountsFilesOfOtherKindsInAllFolders) {
  folder("d/inner");
  put_npy("d/inner/a.npy", samples(2, 0));
  put_npy("d/b.npy", samples(1, 9));
  put("d/notes.txt", "");
  put("d/.cache", "");
  const Dataset data = Dataset::open(path("d"));
  EXPECT_EQ(numbers(data.sample_range("", 0, 3)), (std::vector<int>{9, 0, 1}));
  EXPECT_EQ(data.skipped(), 2);
}

TEST_F(DatasetTest, TakesAFileWithOneAxisLessForOneSample) {
  const std::vector<InputLayout> layout{{.name = "x", .rank = 2, .batched = true}};
  folder("d");
  put_npy("d/0.npy", make_array(DType::kU8, {2}, std::vector<std::byte>(2, std::byte{5})));
  put_npy("d/1.npy", samples(2, 6));
  const Dataset data = Dataset::open(path("d"), layout);
  EXPECT_EQ(data.size(), 3);
  EXPECT_EQ(numbers(data.sample_range("", 0, 3)), (std::vector<int>{5, 6, 7}));
  put_npz("one.npz", {{"x", make_array(DType::kU8, {2}, std::vector<std::byte>(2))}, {"y", samples(3, 0)}});
  const std::vector<InputLayout> both{{"x", 2, true}, {"y", 2, true}};
  expect_error("data.lengths", "\"y\" holds 3 samples", [&] { Dataset::open(path("one.npz"), both); });
}

TEST_F(DatasetTest, GivesAnInputWithoutSamplesOneValue) {
  const std::vector<InputLayout> layout{{"scale", 0, false}, {"x", 2, true}};
  const auto number = [](uint8_t value) { return make_array(DType::kU8, {}, {std::byte{value}}); };
  folder("d");
  put_npz("d/0.npz", {{"x", samples(3, 0)}, {"scale", number(4)}});
  put_npz("d/1.npz", {{"x", samples(2, 3)}, {"scale", make_array(DType::kU8, {2}, {std::byte{4}, std::byte{7}})}});
  const Dataset data = Dataset::open(path("d"), layout);
  EXPECT_EQ(data.size(), 5);
  EXPECT_FALSE(data.fields()[0].batched);
  const auto scale = [&](int64_t begin, int64_t end) {
    const Array value = data.sample_range("scale", begin, end);
    EXPECT_TRUE(value.shape.empty());
    return static_cast<int>(value.bytes[0]);
  };
  EXPECT_EQ(scale(0, 4), 4) << "the same number for all four";
  EXPECT_EQ(scale(4, 5), 7);
  expect_error("data.value", "\"scale\" differs between samples 2 and 4", [&] { scale(2, 5); });
}

}  // namespace
}  // namespace graftwork::core
