#include "graftwork/data/image/image_set.h"

#include <cstring>

#include "graftwork/data/sample_files.h"
#include "unit/data/image_bytes.h"

namespace graftwork::core {
namespace {

using namespace testing;

std::vector<float> floats(const Array& array) {
  std::vector<float> numbers(array.bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), array.bytes.data(), array.bytes.size());
  return numbers;
}

ImageInput input_of(std::vector<int64_t> shape, DType type = DType::kF32) {
  return {.name = "x", .type = type, .shape = std::move(shape)};
}

class ImageSetTest : public FolderTest {
 protected:
  std::filesystem::path put_png(std::string_view name, const Image& image) const { return put(name, png_bytes(image)); }
  std::filesystem::path folder(std::string_view name) const {
    std::filesystem::create_directories(path(name));
    return path(name);
  }
  std::vector<std::string> names(const std::vector<std::filesystem::path>& files) const {
    std::vector<std::string> names;
    for (const auto& file : files) names.push_back(file.lexically_relative(path("d")).string());
    return names;
  }
};

TEST_F(ImageSetTest, ScalesAndPutsChannelsFirst) {
  put_png("p.png", {2, 1, 3, {0, 51, 102, 153, 204, 255}});
  ImageOptions options;
  options.mean = {0.5, 0.25, 0};
  options.stddev = {0.5};
  const ImagePreprocessor preprocessor(input_of({-1, 3, 1, 2}), options);
  const Array sample = preprocessor.read(path("p.png"));
  EXPECT_EQ(sample.shape, (std::vector<int64_t>{3, 1, 2}));
  const std::vector<float> wanted{(0.0F / 255 - 0.5F) / 0.5F,   (153.0F / 255 - 0.5F) / 0.5F,
                                  (51.0F / 255 - 0.25F) / 0.5F, (204.0F / 255 - 0.25F) / 0.5F,
                                  102.0F / 255 / 0.5F,          255.0F / 255 / 0.5F};
  EXPECT_EQ(floats(sample), wanted);
}

TEST_F(ImageSetTest, HasImageNetsNumbersForColourAndNoneForGrey) {
  EXPECT_EQ(ImagePreprocessor(input_of({-1, 3, 8, 8}), {}).text(),
            "8x8 pixels, centre crop; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225");
  EXPECT_EQ(ImagePreprocessor(input_of({-1, 1, 8, 8}), {}).text(), "8x8 pixels, centre crop; mean 0; std 1");
  EXPECT_EQ(ImagePreprocessor(input_of({-1, 3, 8, 8}, DType::kU8), {}).text(), "8x8 pixels, centre crop; bytes");
}

TEST_F(ImageSetTest, TakesTheSizeOfTheInputOrTheOneGiven) {
  ImageOptions options;
  options.size = ImageSize{6, 4};
  EXPECT_EQ(ImagePreprocessor(input_of({1, 3, -1, -1}), options).sample_shape(), (std::vector<int64_t>{3, 4, 6}));
  EXPECT_EQ(ImagePreprocessor(input_of({1, 3, 4, 6}), options).sample_shape(), (std::vector<int64_t>{3, 4, 6}));
  EXPECT_EQ(ImagePreprocessor(input_of({1, 3, 5, 7}), {}).sample_shape(), (std::vector<int64_t>{3, 5, 7}));
  expect_error("data.image_size", "many sizes", [] { ImagePreprocessor(input_of({1, 3, -1, 8}), {}); });
  expect_error("data.image_size", "4x6", [&] { ImagePreprocessor(input_of({1, 3, -1, 8}), options); });
}

TEST_F(ImageSetTest, CutsTheMiddle) {
  // 22 wide at the height that is wanted: 8 are cut from the middle of the scaled width.
  Image image{22, 9, 1, {}};
  for (int i = 0; i < 22 * 9; ++i) image.pixels.push_back(static_cast<uint8_t>(10 * (i % 22)));
  put_png("p.png", image);
  const auto row = [&](ImageOptions options) {
    const Array sample = ImagePreprocessor(input_of({1, 1, 8, 8}, DType::kU8), options).read(path("p.png"));
    std::vector<int> numbers;
    for (int i = 0; i < 8; ++i) numbers.push_back(static_cast<int>(sample.bytes[static_cast<size_t>(i)]));
    return numbers;
  };
  // 256/224 of 8 is 9, so the picture keeps its size; (22 - 8) / 2 = 7 columns go on either side.
  EXPECT_EQ(row({}), (std::vector<int>{70, 80, 90, 100, 110, 120, 130, 140}));
  ImageOptions nine;
  nine.resize = ResizeMode::kShorter;
  nine.shorter_side = 9;
  EXPECT_EQ(row(nine), row({}));
  ImageOptions stretch;
  stretch.resize = ResizeMode::kStretch;
  EXPECT_LT(row(stretch).front(), 20);
  EXPECT_GT(row(stretch).back(), 190);
  ImageOptions small;
  small.resize = ResizeMode::kShorter;
  small.shorter_side = 7;
  expect_error("data.image_crop", "p.png", [&] { row(small); });
}

TEST_F(ImageSetTest, LeavesAPictureOfTheSizeAsItIs) {
  const Image image = pattern(8, 8, 1);
  put_png("p.png", image);
  const Array sample = ImagePreprocessor(input_of({1, 1, 8, 8}, DType::kU8), {}).read(path("p.png"));
  EXPECT_TRUE(std::equal(sample.bytes.begin(), sample.bytes.end(), std::as_bytes(std::span(image.pixels)).begin()));
}

TEST_F(ImageSetTest, RefusesInputsAndNumbersThatPicturesDoNotFit) {
  for (const ImageInput& input :
       {input_of({1, 4, 8, 8}), input_of({3, 8, 8}), input_of({1, -1, 8, 8}), input_of({1, 3, 8, 8}, DType::kI64)}) {
    expect_error("data.image_input", "input x", [&] { ImagePreprocessor(input, {}); });
  }
  ImageOptions two;
  two.mean = {0.5, 0.5};
  expect_error("data.image_numbers", "2 numbers", [&] { ImagePreprocessor(input_of({1, 3, 8, 8}), two); });
  expect_error("data.image_numbers", "bytes", [&] { ImagePreprocessor(input_of({1, 3, 8, 8}, DType::kU8), two); });
}

TEST_F(ImageSetTest, FindsPicturesInAllFoldersInTheOrderOfTheirPaths) {
  folder("d/b");
  folder("d/.hidden");
  for (const char* name : {"d/c.PNG", "d/b/z.png", "d/b/a.jpeg", "d/a.jpg", "d/.x.png", "d/.hidden/y.png", "d/t.txt"}) {
    put(name, "");
  }
  const SampleFiles files = find_sample_files(path("d"));
  EXPECT_EQ(names(files.images), (std::vector<std::string>{"a.jpg", "b/a.jpeg", "b/z.png", "c.PNG"}));
  EXPECT_EQ(files.skipped, 3);
  put("d/b/x.npy", "");
  expect_error("data.mixed", "x.npy", [&] { find_sample_files(path("d")); });
}

TEST_F(ImageSetTest, RefusesFoldersWithoutSamples) {
  folder("d");
  put("d/readme.md", "");
  expect_error("data.empty", "holds no .npy", [&] { find_sample_files(path("d")); });
}

TEST_F(ImageSetTest, SpreadsALimitOverThePictures) {
  std::vector<std::filesystem::path> files;
  for (int i = 0; i < 10; ++i) files.emplace_back(std::to_string(i));
  ImageSet set(files, ImagePreprocessor(input_of({1, 3, 8, 8}), {}));
  set.thin_out(100);
  EXPECT_EQ(set.size(), 10);
  set.thin_out(4);
  EXPECT_EQ(set.size(), 4);
  std::string kept;
  for (int64_t i = 0; i < 4; ++i) kept += set.file(i).string();
  EXPECT_EQ(kept, "0257");
}

TEST_F(ImageSetTest, StacksSamples) {
  put_png("a.png", {1, 1, 1, {7}});
  put_png("b.png", {1, 1, 1, {8}});
  const ImageSet set({path("a.png"), path("b.png")}, ImagePreprocessor(input_of({1, 1, 1, 1}, DType::kU8), {}));
  const Array both = set.sample_range(0, 2);
  EXPECT_EQ(both.shape, (std::vector<int64_t>{2, 1, 1, 1}));
  EXPECT_EQ(static_cast<int>(both.bytes[1]), 8);
  EXPECT_EQ(set.sample_range(1, 2).bytes.size(), 1U);
}

TEST_F(ImageSetTest, NamesTheFileThatIsDamaged) {
  put("bad.jpg", "\xff\xd8\xff");
  const ImageSet set({path("bad.jpg")}, ImagePreprocessor(input_of({1, 3, 8, 8}), {}));
  expect_error("data.image", "bad.jpg", [&] { set.sample_range(0, 1); });
}

}  // namespace
}  // namespace graftwork::core
