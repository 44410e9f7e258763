// NumPy's .npy format, versions 1 to 3: a header that is a Python dict in text, then the raw numbers.
// Only plain little-endian numbers are read; nothing is ever unpickled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/data/array.h"

namespace graftwork::core {

/// NumPy's name of a type, "float32"; empty where it has none (bf16, FP8): no array can be of that type.
std::string_view numpy_name(DType type);

struct NpyHeader {
  DType type = DType::kF32;
  std::vector<int64_t> shape;
  /// Column-major: the first axis runs fastest.
  bool fortran_order = false;
  /// Where the numbers begin, and how many bytes of them there are.
  size_t data_offset = 0;
  size_t data_size = 0;
};

/// Longest header that is read; NumPy itself writes a few hundred bytes and reads 10,000.
inline constexpr size_t kMaxNpyHeader = size_t{1} << 14;

/// `bytes` may be only the beginning of the file, at least kMaxNpyHeader of it.
/// Throws Error "data.npy" (broken) or "data.dtype" (strings, objects, big-endian, complex ...).
NpyHeader read_npy_header(std::span<const std::byte> bytes);

/// Throws Error "data.npy" unless the numbers that the header promises, and no more, make a file of `file_size` bytes.
void check_npy_size(const NpyHeader& header, uint64_t file_size);

/// The whole array. It shares `bytes`, which `owner` keeps alive, when they lie row-major and aligned; else copies.
Array read_npy(std::span<const std::byte> bytes, std::shared_ptr<const void> owner);

/// Entries [begin, end) of the first axis, of an array whose header is known and whose size was checked.
Array read_npy_rows(const NpyHeader& header, std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                    int64_t begin, int64_t end);

/// The header of a file that holds `array`, which must have a type of NumPy's; the array's bytes follow it.
std::string npy_header_bytes(const Array& array);
/// A whole .npy file. The same array gives the same bytes.
std::string write_npy_bytes(const Array& array);

}  // namespace graftwork::core
