#include "graftwork/data/npy.h"

#include <algorithm>
#include <cstring>

#include "graftwork/base/error.h"

namespace graftwork::core {
namespace {

bool is_aligned(const std::byte* address, size_t size) { return reinterpret_cast<uintptr_t>(address) % size == 0; }

/// Rows [begin, end) of a column-major array, written row-major.
std::vector<std::byte> transpose_rows(const NpyHeader& header, const std::byte* source, int64_t begin, int64_t end) {
  const size_t width = dtype_bytes(header.type);
  const size_t rank = header.shape.size();
  std::vector<int64_t> strides(rank, 1);
  for (size_t i = 1; i < rank; ++i) strides[i] = strides[i - 1] * header.shape[i - 1];
  std::vector<int64_t> index(rank, 0);
  int64_t from = begin;
  std::vector<std::byte> bytes(header.data_size / static_cast<size_t>(header.shape[0]) *
                               static_cast<size_t>(end - begin));
  for (size_t to = 0; to < bytes.size(); to += width) {
    std::memcpy(bytes.data() + to, source + static_cast<size_t>(from) * width, width);
    for (size_t axis = rank; axis-- > 0;) {
      from += strides[axis];
      const int64_t size = axis == 0 ? end - begin : header.shape[axis];
      if (++index[axis] < size) break;
      from -= strides[axis] * size;
      index[axis] = 0;
    }
  }
  return bytes;
}

}  // namespace

Array read_npy_rows(const NpyHeader& header, std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                    int64_t begin, int64_t end) {
  GRAFTWORK_ASSERT(!header.shape.empty() && 0 <= begin && begin <= end && end <= header.shape[0]);
  const auto data = bytes.subspan(header.data_offset, header.data_size);
  std::vector<int64_t> shape = header.shape;
  shape[0] = end - begin;
  if (data.empty() || begin == end) return make_array(header.type, std::move(shape), {});
  if (header.fortran_order && header.shape.size() > 1) {
    return make_array(header.type, std::move(shape), transpose_rows(header, data.data(), begin, end));
  }
  const size_t row = data.size() / static_cast<size_t>(header.shape[0]);
  const auto rows = data.subspan(static_cast<size_t>(begin) * row, static_cast<size_t>(end - begin) * row);
  if (is_aligned(rows.data(), dtype_bytes(header.type))) {
    return {.type = header.type, .shape = std::move(shape), .bytes = rows, .owner = std::move(owner)};
  }
  return make_array(header.type, std::move(shape), {rows.begin(), rows.end()});
}

Array read_npy(std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  NpyHeader header = read_npy_header(bytes);
  check_npy_size(header, bytes.size());
  if (!header.shape.empty()) return read_npy_rows(header, bytes, std::move(owner), 0, header.shape[0]);
  // A scalar is read as its one row.
  header.shape = {1};
  Array array = read_npy_rows(header, bytes, std::move(owner), 0, 1);
  array.shape.clear();
  return array;
}

std::string write_npy_bytes(const Array& array) {
  std::string file = npy_header_bytes(array);
  file.append(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size());
  return file;
}

}  // namespace graftwork::core
