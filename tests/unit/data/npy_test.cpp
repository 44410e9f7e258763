#include "graftwork/data/npy.h"

#include <array>
#include <cstring>
#include <memory>

#include "support/reader_testing.h"

namespace graftwork::core {
namespace {

using namespace testing;

/// A .npy file with any header text.
std::string npy(std::string_view dict, std::string_view data, int major = 1) {
  const std::string length =
      major == 1 ? little(static_cast<uint16_t>(dict.size())) : little(static_cast<uint32_t>(dict.size()));
  return std::string("\x93NUMPY") + static_cast<char>(major) + '\0' + length + std::string(dict) + std::string(data);
}

std::string dict(std::string_view descr, std::string_view shape, std::string_view fortran = "False") {
  return "{'descr': '" + std::string(descr) + "', 'fortran_order': " + std::string(fortran) +
         ", 'shape': " + std::string(shape) + ", }\n";
}

Array read(const std::string& file) {
  auto owner = std::make_shared<const std::string>(file);
  return read_npy(as_bytes(*owner), owner);
}

template <class T>
std::vector<T> values(const Array& array) {
  std::vector<T> out(array.bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), array.bytes.data(), array.bytes.size());
  return out;
}

template <class... T>
std::string floats(T... numbers) {
  return (little(static_cast<float>(numbers)) + ...);
}

TEST(Npy, ReadsEveryVersionOfTheFormat) {
  for (const int major : {1, 2, 3}) {
    const Array array = read(npy(dict("<f4", "(2, 3)"), floats(1, 2, 3, 4, 5, 6), major));
    EXPECT_EQ(array.type, DType::kF32);
    EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(values<float>(array), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  }
  expect_error("data.npy", "version 4", [] { read(npy(dict("<f4", "(1,)"), floats(1), 4)); });
}

TEST(Npy, ReadsEveryPlainType) {
  const std::vector<std::pair<std::string_view, DType>> types{
      {"<f2", DType::kF16}, {"<f4", DType::kF32}, {"<f8", DType::kF64}, {"|i1", DType::kI8},  {"<i2", DType::kI16},
      {"<i4", DType::kI32}, {"<i8", DType::kI64}, {"|u1", DType::kU8},  {"|b1", DType::kBool}};
  for (const auto& [descr, type] : types) {
    const Array array = read(npy(dict(descr, "(3,)"), std::string(3 * dtype_bytes(type), '\1')));
    EXPECT_EQ(array.type, type) << descr;
    EXPECT_EQ(array.bytes.size(), 3 * dtype_bytes(type)) << descr;
  }
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
  const Array scalar = read(npy(dict("<f4", "()"), floats(7)));
  EXPECT_TRUE(scalar.shape.empty());
  EXPECT_EQ(values<float>(scalar), std::vector<float>{7});
  const Array empty = read(npy(dict("<f4", "(0, 5)"), ""));
  EXPECT_EQ(empty.shape, (std::vector<int64_t>{0, 5}));
  EXPECT_TRUE(empty.bytes.empty());
  EXPECT_TRUE(read(npy(dict("<f4", "(0, 5)", "True"), "")).bytes.empty());
}

TEST(Npy, TurnsColumnMajorIntoRowMajor) {
  const Array array = read(npy(dict("<f4", "(2, 3)", "True"), floats(1, 4, 2, 5, 3, 6)));
  EXPECT_EQ(values<float>(array), (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(Npy, ReadsARangeOfRowsInEitherOrder) {
  // element [i, j, k] = 100 i + 10 j + k, of shape [3, 2, 2]
  std::string row_major;
  std::string column_major;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 2; ++j) {
      for (int k = 0; k < 2; ++k) row_major += floats(100 * i + 10 * j + k);
    }
  }
  for (int k = 0; k < 2; ++k) {
    for (int j = 0; j < 2; ++j) {
      for (int i = 0; i < 3; ++i) column_major += floats(100 * i + 10 * j + k);
    }
  }
  for (const bool fortran : {false, true}) {
    const std::string file =
        npy(dict("<f4", "(3, 2, 2)", fortran ? "True" : "False"), fortran ? column_major : row_major);
    const Array rows = read_npy_rows(read_npy_header(as_bytes(file)), as_bytes(file), nullptr, 1, 3);
    EXPECT_EQ(rows.shape, (std::vector<int64_t>{2, 2, 2}));
    EXPECT_EQ(values<float>(rows), (std::vector<float>{100, 101, 110, 111, 200, 201, 210, 211}));
  }
}

TEST(Npy, SharesAlignedBytesAndCopiesTheRest) {
  std::string header = dict("<f4", "(2,)");
  header.insert(header.size() - 1, (64 - (10 + header.size()) % 64) % 64, ' ');
  const std::string file = npy(header, floats(1, 2));
  const auto owner = std::make_shared<std::vector<double>>(100);
  auto* memory = reinterpret_cast<std::byte*>(owner->data());
  std::memcpy(memory, file.data(), file.size());
  const Array shared = read_npy({memory, file.size()}, owner);
  EXPECT_EQ(shared.bytes.data(), memory + file.size() - 8);
  EXPECT_EQ(shared.owner, owner);

  std::memcpy(memory + 1, file.data(), file.size());
  const Array copied = read_npy({memory + 1, file.size()}, owner);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(copied.bytes.data()) % 4, 0u);
  EXPECT_EQ(values<float>(copied), (std::vector<float>{1, 2}));
}

TEST(Npy, SaysWhichTypesCannotBeUsedAndWhatToDo) {
  expect_error("data.dtype", "newbyteorder", [] { read(npy(dict(">f4", "(1,)"), floats(1))); });
  expect_error("data.dtype", "Python objects", [] { read(npy(dict("|O", "(1,)"), "pickle")); });
  expect_error("data.dtype", "\"<c8\"", [] { read(npy(dict("<c8", "(1,)"), floats(1, 2))); });
  expect_error("data.dtype", "records",
               [] { read(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", floats(1))); });
}

TEST(Npy, RefusesSizesThatAreLies) {
  expect_error("data.npy", "4 bytes follow", [] { read(npy(dict("<f4", "(2,)"), floats(1))); });
  expect_error("data.npy", "8 bytes follow", [] { read(npy(dict("<f4", "(1,)"), floats(1, 2))); });
  expect_error("data.npy", "bytes follow", [] { read(npy(dict("<f4", "(1000000000, 1000000)"), floats(1))); });
  expect_error("data.npy", "impossible shape",
               [] { read(npy(dict("<f4", "(4294967296, 4294967296, 4)"), floats(1))); });
  expect_error("data.npy", "impossible shape", [] { read(npy(dict("<f4", "(0, 4294967296, 4294967296)"), "")); });
}

TEST(Npy, ReadsItsHeaderStrictly) {
  for (const std::string& header : {
           std::string("{'descr': '<f4', 'fortran_order': False}"),
           std::string("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"),
           std::string("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}"),
           std::string("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}"),
           dict("<f4", "(1)"),
           dict("<f4", "(-1,)"),
           dict("<f4", "(1.0,)"),
           dict("<f4", "(99999999999999999999,)"),
           dict("<f4", "[1]"),
           dict("<f4", "(1,)") + "x",
           dict("<f4", "(1,").substr(0, 60),
           std::string("{'descr': '<f4"),
           std::string(),
       }) {
    expect_error("data.npy", "", [&] { read(npy(header, floats(1))); });
  }
  std::string many = "(";
  for (int i = 0; i < 65; ++i) many += "1,";
  expect_error("data.npy", "64 dimensions", [&] { read(npy(dict("<f4", many + ")"), floats(1))); });
}

TEST(Npy, RefusesAFileCutAnywhere) {
  const std::string whole = npy(dict("<f4", "(2, 3)"), floats(1, 2, 3, 4, 5, 6));
  for (size_t size = 0; size < whole.size(); ++size) expect_any_error([&] { read(whole.substr(0, size)); });
  expect_error("data.npy", "header of",
               [&] { read(std::string("\x93NUMPY\x02\x00", 8) + little<uint32_t>(0xfffffff0)); });
}

TEST(Npy, WritesWhatItReads) {
  const std::array<int64_t, 6> numbers{1, -2, 3, 4, 5, 6};
  const auto bytes = std::as_bytes(std::span(numbers));
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{6}, {2, 3}, {1, 6, 1}}) {
    const Array array = make_array(DType::kI64, shape, {bytes.begin(), bytes.end()});
    const std::string file = write_npy_bytes(array);
    EXPECT_EQ((file.size() - bytes.size()) % 64, 0u);
    const Array again = read(file);
    EXPECT_EQ(again.shape, shape);
    EXPECT_EQ(values<int64_t>(again), std::vector<int64_t>(numbers.begin(), numbers.end()));
  }
}

TEST(Npy, WritesTheHeaderThatNumpyWrites) {
  const Array array = make_array(DType::kF32, {2, 3}, std::vector<std::byte>(24));
  std::string wanted("\x93NUMPY\x01\x00\x76\x00", 10);
  wanted += "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  wanted.resize(127, ' ');
  EXPECT_EQ(npy_header_bytes(array), wanted + "\n");
}

}  // namespace
}  // namespace graftwork::core
