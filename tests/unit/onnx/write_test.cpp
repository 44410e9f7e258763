#include "graftwork/onnx/write.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <thread>

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/part_file.h"
#include "graftwork/onnx/data_file.h"
#include "unit/onnx/sample.h"

namespace graftwork::core::onnx {
namespace {

namespace fs = std::filesystem;
using testing::int8_tensor;
using testing::parsed;
using testing::sample_model;

class OnnxWrite : public ::testing::Test {
 protected:
  OnnxWrite() : folder_(fs::temp_directory_path() / ("graftwork_onnx_write_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~OnnxWrite() override { fs::remove_all(folder_); }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path folder_;
};

/// The sample with initializers of 1023, 1024 and 5000 bytes beside its own two small ones.
Model model_with_weights() {
  Model model = sample_model();
  for (const size_t size : {1023U, 1024U, 5000U}) {
    model.graph.initializers.push_back(
        int8_tensor("w" + std::to_string(size), std::vector<int8_t>(size, static_cast<int8_t>(size % 100 + 1))));
  }
  return model;
}

/// The same with further weights.
Model other_model() {
  Model model = model_with_weights();
  model.graph.initializers.push_back(int8_tensor("more", std::vector<int8_t>(9000, 1)));
  return model;
}

const WriteOptions kOutside{.external_data_above = 2000};

/// Its weights, of 1024 and 5000 bytes, decide the name.
constexpr const char* kData = "m.onnx.08e73cfba38b1949.data";

TEST_F(OnnxWrite, WritesTheBytesOfSerializeModel) {
  write_model(model_with_weights(), folder_ / "m.onnx");
  EXPECT_EQ(read_text(folder_ / "m.onnx"), serialize_model(model_with_weights()));
  EXPECT_EQ(files(), std::vector<std::string>{"m.onnx"});
}

TEST_F(OnnxWrite, GivesTheSameBytesTwice) {
  EXPECT_EQ(serialize_model(model_with_weights()), serialize_model(model_with_weights()));
  fs::create_directories(folder_ / "a");
  fs::create_directories(folder_ / "b");
  write_model(model_with_weights(), folder_ / "a" / "m.onnx", kOutside);
  write_model(model_with_weights(), folder_ / "b" / "m.onnx", kOutside);
  EXPECT_EQ(read_text(folder_ / "a" / "m.onnx"), read_text(folder_ / "b" / "m.onnx"));
  EXPECT_EQ(read_text(folder_ / "a" / kData), read_text(folder_ / "b" / kData));
}

TEST_F(OnnxWrite, MovesLargeInitializersToAlignedPlacesOfADataFile) {
  const Model model = model_with_weights();
  const WrittenModel written = write_model(model, folder_ / "m.onnx", kOutside);
  EXPECT_EQ(files(), (std::vector<std::string>{"m.onnx", kData}));
  EXPECT_EQ(written.data, folder_ / kData);
  EXPECT_EQ(written.bytes, fs::file_size(folder_ / "m.onnx") + fs::file_size(folder_ / kData));

  const ::onnx::GraphProto graph = parsed(read_text(folder_ / "m.onnx")).graph();
  const std::string data = read_text(folder_ / kData);
  EXPECT_EQ(data.size(), 4096U + 5000U);
  ASSERT_EQ(graph.initializer_size(), 5);
  EXPECT_EQ(graph.initializer(2).name(), "w1023");
  EXPECT_EQ(graph.initializer(2).data_location(), ::onnx::TensorProto::DEFAULT);
  EXPECT_EQ(graph.initializer(2).raw_data().size(), 1023U);
  const std::vector<std::string> offsets{"0", "4096"};
  for (int i = 3; i < 5; ++i) {
    const ::onnx::TensorProto& tensor = graph.initializer(i);
    EXPECT_EQ(tensor.data_location(), ::onnx::TensorProto::EXTERNAL);
    EXPECT_FALSE(tensor.has_raw_data());
    std::map<std::string, std::string> entries;
    for (const auto& entry : tensor.external_data()) entries[entry.key()] = entry.value();
    const std::span<const std::byte> bytes = model.graph.initializers[static_cast<size_t>(i)].bytes.view;
    const std::map<std::string, std::string> expected{
        {"location", kData}, {"offset", offsets[static_cast<size_t>(i - 3)]}, {"length", std::to_string(bytes.size())}};
    EXPECT_EQ(entries, expected);
    EXPECT_EQ(std::memcmp(data.data() + std::stoul(entries["offset"]), bytes.data(), bytes.size()), 0);
  }
  EXPECT_EQ(data.substr(1024, 4096 - 1024), std::string(4096 - 1024, '\0'));
}

TEST_F(OnnxWrite, KeepsAllInsideUpToTheLimit) {
  Model model = sample_model();
  const uint64_t small = 24 + 12;
  model.graph.initializers.push_back(int8_tensor("large", std::vector<int8_t>(4096)));
  EXPECT_EQ(write_model(model, folder_ / "m.onnx", {.external_data_above = small + 4096}).data, "");
  EXPECT_EQ(files(), std::vector<std::string>{"m.onnx"});
  const WrittenModel outside = write_model(model, folder_ / "m.onnx", {.external_data_above = small + 4095});
  EXPECT_EQ(files(), (std::vector<std::string>{"m.onnx", outside.data.filename()}));
}

TEST_F(OnnxWrite, MakesNoDataFileForSmallInitializersOnly) {
  write_model(sample_model(), folder_ / "m.onnx", {.external_data_above = 0});
  EXPECT_EQ(files(), std::vector<std::string>{"m.onnx"});
  EXPECT_EQ(read_text(folder_ / "m.onnx"), serialize_model(sample_model()));
}

TEST_F(OnnxWrite, RemovesTheDataOfTheModelThatItReplaces) {
  write_model(model_with_weights(), folder_ / "m.onnx", kOutside);
  ASSERT_EQ(files(), (std::vector<std::string>{"m.onnx", kData}));
  write_model(model_with_weights(), folder_ / "m.onnx", kOutside);
  ASSERT_EQ(files(), (std::vector<std::string>{"m.onnx", kData})) << "the same weights keep their file";
  const fs::path other = write_model(other_model(), folder_ / "m.onnx", kOutside).data;
  ASSERT_EQ(files(), (std::vector<std::string>{"m.onnx", other.filename()}));
  write_model(sample_model(), folder_ / "m.onnx");
  EXPECT_EQ(files(), std::vector<std::string>{"m.onnx"});
}

TEST_F(OnnxWrite, RemovesDataByTheNameThatEarlierVersionsGave) {
  write_model(model_with_weights(), folder_ / "m.onnx", kOutside);
  std::string model = read_text(folder_ / "m.onnx");
  const std::string entry = std::string("location\x12") + static_cast<char>(std::strlen(kData)) + kData;
  for (size_t at = model.find(entry); at != std::string::npos; at = model.find(entry))
    model.replace(at, entry.size(), std::string("location\x12\x0bm.onnx.data"));
  write_file(folder_ / "m.onnx", model);
  fs::rename(folder_ / kData, folder_ / "m.onnx.data");
  write_model(sample_model(), folder_ / "m.onnx");
  EXPECT_EQ(files(), std::vector<std::string>{"m.onnx"});
}

TEST_F(OnnxWrite, KnowsTheNamesOfData) {
  for (const char* name : {"m.onnx.0123456789abcdef.data", "m.onnx.data"}) EXPECT_TRUE(is_data_name(name, "m.onnx"));
  for (const char* name : {"n.onnx.data", "m.onnx", "m.onnxdata", "m.onnx.0123456789abcde.data", "m.onnx/../x.data",
                           "m.onnx.0123456789abcdeg.data", "m.onnx.0123456789abcdef.data2", ""})
    EXPECT_FALSE(is_data_name(name, "m.onnx")) << name;
}

TEST_F(OnnxWrite, WhatIsThrownBeforeTheCommitLeavesEverythingAsItWas) {
  write_model(model_with_weights(), folder_ / "m.onnx", kOutside);
  const std::string model = read_text(folder_ / "m.onnx");
  WriteOptions options = kOutside;
  options.before_commit = [](uint64_t) { throw Error("file.changed", "m.pt2 changed"); };
  EXPECT_THROW(write_model(other_model(), folder_ / "m.onnx", options), Error);
  EXPECT_EQ(read_text(folder_ / "m.onnx"), model);
  EXPECT_EQ(files(), (std::vector<std::string>{"m.onnx", kData}));
}

TEST_F(OnnxWrite, DataIsForThoseWhoMayReadTheModel) {
  write_file(folder_ / "m.onnx", "old");
  fs::permissions(folder_ / "m.onnx", fs::perms::owner_read | fs::perms::owner_write);
  const fs::path data = write_model(model_with_weights(), folder_ / "m.onnx", kOutside).data;
  EXPECT_EQ(fs::status(data).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(OnnxWrite, LeavesDataAloneThatTheOldModelDoesNotName) {
  write_file(folder_ / "m.onnx.data", "somebody's");
  write_model(sample_model(), folder_ / "m.onnx");
  write_model(sample_model(), folder_ / "m.onnx");
  EXPECT_EQ(read_text(folder_ / "m.onnx.data"), "somebody's");
}

TEST_F(OnnxWrite, NoModelStandsBesideTheDataOfAnother) {
  // The name is longer than one byte of length can say.
  const std::string name = std::string(150, 'm') + ".onnx";
  const fs::path path = folder_ / name;
  const fs::path first = write_model(model_with_weights(), path, kOutside).data;
  const std::string old = read_text(path);
  const fs::path second = write_model(other_model(), path, kOutside).data;
  EXPECT_NE(first, second);
  EXPECT_NE(read_text(path), old);
  EXPECT_EQ(files(), (std::vector<std::string>{name, second.filename()})) << "who reads the old model finds no data";
}

TEST_F(OnnxWrite, OfTwoWritersEachLeavesAModelWithItsData) {
  std::thread other([&] {
    for (int i = 0; i < 20; ++i) write_model(other_model(), folder_ / "m.onnx", kOutside);
  });
  for (int i = 0; i < 20; ++i) write_model(model_with_weights(), folder_ / "m.onnx", kOutside);
  other.join();
  const std::vector<std::string> left = files();
  ASSERT_EQ(left.size(), 2u);
  const std::string model = read_text(folder_ / "m.onnx");
  EXPECT_NE(model.find(left[1]), std::string::npos) << left[1];
}

TEST_F(OnnxWrite, ReadsBorrowedBytes) {
  const std::string weights(3000, 'w');
  Model model = sample_model();
  model.graph.initializers.push_back(
      raw_tensor("borrowed", DType::kU8, {3000}, {nullptr, std::as_bytes(std::span(weights))}));
  EXPECT_EQ(parsed(serialize_model(model)).graph().initializer(2).raw_data(), weights);
}

TEST_F(OnnxWrite, ChecksTheModelBeforeAnyFileIsTouched) {
  Model model = sample_model();
  model.graph.outputs[0].name = "z";
  EXPECT_THROW(write_model(model, folder_ / "m.onnx"), InternalError);
  EXPECT_THROW(serialize_model(model), InternalError);
  EXPECT_TRUE(files().empty());
}

TEST_F(OnnxWrite, RefusesAModelFileThatNoReaderTakes) {
  // Only the size counts: a model that is refused is refused before its weights are touched.
  const std::vector<int8_t> few(16);
  Model model = sample_model();
  const std::span<const std::byte> huge(reinterpret_cast<const std::byte*>(few.data()), 3'000'000'000U);
  model.graph.initializers.push_back(raw_tensor("huge", DType::kI8, {3'000'000'000}, {nullptr, huge}));
  try {
    write_model(model, folder_ / "m.onnx", {.external_data_above = 4'000'000'000});
    FAIL() << "written";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "onnx.too_large");
  }
  EXPECT_TRUE(files().empty());
}

TEST_F(OnnxWrite, FailsWithoutTraceWhereThePathCannotBeWritten) {
  const auto code_of = [](const fs::path& path) -> std::string {
    try {
      write_model(model_with_weights(), path, kOutside);
    } catch (const Error& error) {
      return error.code();
    }
    return {};
  };
  EXPECT_EQ(code_of(folder_ / "missing" / "m.onnx"), "file.unwritable");
  EXPECT_EQ(code_of(folder_), "file.unwritable");
  EXPECT_TRUE(files().empty());
  fs::create_directories(folder_ / kData / "in the way");
  EXPECT_EQ(code_of(folder_ / "m.onnx"), "file.unwritable");
  EXPECT_EQ(files(), std::vector<std::string>{kData});
}

/// The one file of data in the folder.
void expect_pair(const fs::path& folder, const std::string& model, const fs::path& data) {
  EXPECT_TRUE(fs::equivalent(data.parent_path(), folder)) << data;
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(data)));
  EXPECT_NE(read_text(folder / model).find(data.filename().string()), std::string::npos);
}

TEST_F(OnnxWrite, DataLieBesideTheModelWhateverLinksThereAre) {
  fs::create_directories(folder_ / "a");
  fs::create_directories(folder_ / "b");
  // One behind which earlier versions wrote, and one that has the place of the data.
  fs::create_symlink("../b/m.onnx.data", folder_ / "a" / "m.onnx.data");
  fs::create_symlink("../b/other", folder_ / "a" / kData);
  expect_pair(folder_ / "a", "m.onnx", write_model(model_with_weights(), folder_ / "a" / "m.onnx", kOutside).data);
  EXPECT_TRUE(fs::is_empty(folder_ / "b"));

  fs::create_symlink("../b/real.onnx", folder_ / "a" / "link.onnx");
  expect_pair(folder_ / "b", "real.onnx", write_model(other_model(), folder_ / "a" / "link.onnx", kOutside).data);
  write_model(sample_model(), folder_ / "a" / "link.onnx");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "b"), {}), 1) << "the data went";
}

TEST_F(OnnxWrite, WhatIsCalledAsDataOnceWereIsNotInTheWay) {
  fs::create_directories(folder_ / "m.onnx.data");
  write_model(model_with_weights(), folder_ / "m.onnx", kOutside);
  EXPECT_EQ(files(), (std::vector<std::string>{"m.onnx", kData, "m.onnx.data"}));
}

TEST_F(OnnxWrite, ANameMayBeAsLongAsAnother) {
  const std::string of_two_bytes = "\xc3\xa9";
  std::string umlauts = "m";
  while (umlauts.size() < 255) umlauts += of_two_bytes;
  for (const std::string& name : {std::string(240, 'x'), std::string(255, 'y'), umlauts}) {
    const fs::path data = write_model(model_with_weights(), folder_ / name, kOutside).data;
    expect_pair(folder_, name, data);
    EXPECT_TRUE(is_data_name(data.filename().native(), name));
    EXPECT_NE(static_cast<unsigned char>(data.stem().stem().native().back()), 0xc3U) << "half a character";
    write_model(sample_model(), folder_ / name);
    EXPECT_FALSE(fs::exists(data));
  }
}

TEST_F(OnnxWrite, DataThatACopyOfTheOldModelNamesStay) {
  write_model(model_with_weights(), folder_ / "m.onnx", kOutside);
  fs::copy(folder_ / "m.onnx", folder_ / "backup");
  write_file(folder_ / "notes.txt", read_text(folder_ / "m.onnx").substr(1));  // no model
  write_model(sample_model(), folder_ / "m.onnx");
  EXPECT_EQ(files(), (std::vector<std::string>{"backup", "m.onnx", kData, "notes.txt"}));
  fs::rename(folder_ / "backup", folder_ / "m.onnx");
  write_model(sample_model(), folder_ / "m.onnx");
  EXPECT_EQ(files(), (std::vector<std::string>{"m.onnx", "notes.txt"})) << "nobody names them any more";
}

/// Somebody keeps the lock of the folder.
class KeptLock {
 public:
  explicit KeptLock(const fs::path& folder) : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    EXPECT_EQ(::flock(fd_, LOCK_EX), 0);
  }
  ~KeptLock() { ::close(fd_); }
  KeptLock(const KeptLock&) = delete;
  KeptLock& operator=(const KeptLock&) = delete;

 private:
  int fd_;
};

TEST_F(OnnxWrite, ALockThatSomebodyKeepsCostsNoModel) {
  write_model(model_with_weights(), folder_ / "m.onnx", kOutside);
  const KeptLock lock(folder_);
  const auto begin = std::chrono::steady_clock::now();
  write_model(sample_model(), folder_ / "other.onnx");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2)) << "without data nobody waits";
  const fs::path data = write_model(other_model(), folder_ / "m.onnx", kOutside).data;
  expect_pair(folder_, "m.onnx", data);
  EXPECT_TRUE(fs::exists(folder_ / kData)) << "another writer may count on it";
}

TEST_F(OnnxWrite, WhatAKilledProcessLeftOfDataGoesWithAModelThatHasNone) {
  write_file(folder_ / part_name("m.onnx.data"), "half of it");
  const std::string held = part_name("m.onnx.data");
  write_file(folder_ / held, "being written");
  const int fd = ::open((folder_ / held).c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::flock(fd, LOCK_EX), 0);
  write_model(sample_model(), folder_ / "m.onnx");
  ::close(fd);
  EXPECT_EQ(files(), (std::vector<std::string>{"m.onnx", held}));
}

/// Makes every file end at `bytes`, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(OnnxWrite, LeavesTheOldFileAloneWhenTheDiskIsFull) {
  write_file(folder_ / "m.onnx", "old");
  Model model = sample_model();
  model.graph.initializers.push_back(int8_tensor("large", std::vector<int8_t>(1'000'000)));
  {
    const FileSizeLimit limit(100'000);
    EXPECT_THROW(write_model(model, folder_ / "m.onnx"), Error);
  }
  EXPECT_EQ(files(), std::vector<std::string>{"m.onnx"});
  EXPECT_EQ(read_text(folder_ / "m.onnx"), "old");
}

TEST_F(OnnxWrite, LeavesNothingWhenOnlyTheDataFileFails) {
  Model model = sample_model();
  model.graph.initializers.push_back(int8_tensor("large", std::vector<int8_t>(1'000'000)));
  {
    const FileSizeLimit limit(100'000);
    EXPECT_THROW(write_model(model, folder_ / "m.onnx", kOutside), Error);
  }
  EXPECT_TRUE(files().empty());
}

TEST_F(OnnxWrite, RemovesTheDataFileWhenOnlyTheModelFileFails) {
  Model model = model_with_weights();
  model.metadata.emplace_back("notes", std::string(200'000, 'n'));
  {
    const FileSizeLimit limit(100'000);
    EXPECT_THROW(write_model(model, folder_ / "m.onnx", kOutside), Error);
  }
  EXPECT_TRUE(files().empty());
}

}  // namespace
}  // namespace graftwork::core::onnx
