// The header of .npy files: reading, strictly, and writing as NumPy does.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "graftwork/archive/zip_format.h"
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/data/npy.h"

namespace graftwork::core {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kVersionEnd = 8;
constexpr size_t kAlignment = 64;
constexpr size_t kMaxRank = 64;  // NumPy's own limit

[[noreturn]] void fail(std::string message) {
  throw Error("data.npy", std::move(message), "saving the array again with numpy.save");
}

/// How NumPy spells a type, in files and in programs.
struct TypeCode {
  std::string_view descr;
  std::string_view name;
  DType type;
};

constexpr std::array<TypeCode, 9> kTypes{{{"<f4", "float32", DType::kF32},
                                          {"<f2", "float16", DType::kF16},
                                          {"<f8", "float64", DType::kF64},
                                          {"|i1", "int8", DType::kI8},
                                          {"<i2", "int16", DType::kI16},
                                          {"<i4", "int32", DType::kI32},
                                          {"<i8", "int64", DType::kI64},
                                          {"|u1", "uint8", DType::kU8},
                                          {"|b1", "bool", DType::kBool}}};

DType type_of(std::string_view descr) {
  for (const TypeCode& code : kTypes) {
    if (code.descr == descr) return code.type;
  }
  const std::string message = cat("an array of type ", quoted(descr), " cannot be used");
  if (descr.starts_with('>')) {
    throw Error("data.dtype", message + ": it is big-endian", "array.astype(array.dtype.newbyteorder('<'))");
  }
  if (descr.starts_with("|O")) {
    throw Error("data.dtype", message + ": it holds Python objects",
                "saving one plain array of numbers; arrays of different lengths cannot be stacked");
  }
  throw Error("data.dtype", message, "array.astype('float32'), or one of f2 f4 f8 i1 i2 i4 i8 u1 bool");
}

/// Reads the one Python dict that the format allows: 'descr', 'fortran_order' and 'shape', each once.
class DictParser {
 public:
  explicit DictParser(std::string_view text) : text_(text) {}

  NpyHeader parse() {
    expect('{');
    while (!accept('}')) {
      entry();
      if (accept(',')) continue;
      expect('}');
      break;
    }
    skip_space();
    if (at_ != text_.size()) fail("the array's header has text behind its dict");
    if (!descr_ || !fortran_order_ || !shape_) fail("the array's header lacks 'descr', 'fortran_order' or 'shape'");
    return {.type = type_of(*descr_), .shape = std::move(*shape_), .fortran_order = *fortran_order_};
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(cat("the array's header is broken: '", c, "' is missing at its byte ", at_));
  }

  std::string_view quoted_text() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect('\'');
    const size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail("a string in the array's header has no end");
    const std::string_view body = text_.substr(at_, end - at_);
    at_ = end + 1;
    return body;
  }

  void entry() {
    const std::string_view key = quoted_text();
    expect(':');
    if (key == "descr" && !descr_) {
      if (accept('[')) {
        throw Error("data.dtype", "an array of records cannot be used", "saving each field as an array of its own");
      }
      descr_ = quoted_text();
    } else if (key == "fortran_order" && !fortran_order_) {
      fortran_order_ = boolean();
    } else if (key == "shape" && !shape_) {
      shape_ = shape();
    } else {
      fail(cat("the array's header has an unknown or repeated key ", quoted(key)));
    }
  }

  bool boolean() {
    skip_space();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    fail("'fortran_order' in the array's header is neither True nor False");
  }

  std::vector<int64_t> shape() {
    std::vector<int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      sizes.push_back(size());
      if (sizes.size() > kMaxRank) fail(cat("the array has more than ", kMaxRank, " dimensions"));
      if (accept(',')) continue;
      // Python writes a tuple of one as (3,).
      if (sizes.size() == 1) fail("'shape' in the array's header is not a tuple");
      expect(')');
      break;
    }
    return sizes;
  }

  int64_t size() {
    skip_space();
    int64_t value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc{} || value < 0) fail("'shape' in the array's header holds something that is not a size");
    at_ += static_cast<size_t>(end - begin);
    return value;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::optional<std::string_view> descr_;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<int64_t>> shape_;
};

/// Null for a type that NumPy has not.
const TypeCode* code_of(DType type) {
  const auto at = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeCode& code) { return code.type == type; });
  return at == kTypes.end() ? nullptr : at;
}

}  // namespace

std::string_view numpy_name(DType type) {
  const TypeCode* code = code_of(type);
  return code ? code->name : std::string_view();
}

NpyHeader read_npy_header(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic)) fail("this is not a .npy array");
  if (bytes.size() < kVersionEnd + 4) fail("the array ends inside its header");
  const auto major = static_cast<unsigned>(bytes[kMagic.size()]);
  if (major < 1 || major > 3)
    fail(cat("the array has version ", major, " of the .npy format; versions 1 to 3 are read"));
  const size_t length_size = major == 1 ? 2 : 4;
  const size_t length = major == 1 ? zip::load<uint16_t>(bytes, kVersionEnd) : zip::load<uint32_t>(bytes, kVersionEnd);
  const size_t begin = kVersionEnd + length_size;
  if (length > kMaxNpyHeader - begin) fail(cat("the array claims a header of ", length, " bytes"));
  if (length > bytes.size() - begin) fail("the array ends inside its header");
  NpyHeader header = DictParser(text.substr(begin, length)).parse();
  header.data_offset = begin + length;
  const std::optional<int64_t> count = element_count(header.shape, header.type);
  if (!count) fail(cat("the array claims the impossible shape ", shape_text(header.shape)));
  header.data_size = static_cast<size_t>(*count) * dtype_bytes(header.type);
  return header;
}

void check_npy_size(const NpyHeader& header, uint64_t file_size) {
  const uint64_t held = file_size - header.data_offset;
  if (held == header.data_size) return;
  fail(cat("the array's header tells of shape ", shape_text(header.shape), " and type ", dtype_name(header.type),
           ", which is ", header.data_size, " bytes, but ", held, " bytes follow it"));
}

std::string npy_header_bytes(const Array& array) {
  const TypeCode* code = code_of(array.type);
  GRAFTWORK_ASSERT(code != nullptr);
  std::string shape;
  for (const int64_t size : array.shape) shape += (shape.empty() ? "" : ", ") + std::to_string(size);
  if (array.shape.size() == 1) shape += ',';
  std::string dict = cat("{'descr': '", code->descr, "', 'fortran_order': False, 'shape': (", shape, "), }");
  constexpr size_t kPrefix = kVersionEnd + 2;
  dict.append((kAlignment - (kPrefix + dict.size() + 1) % kAlignment) % kAlignment, ' ');
  dict += '\n';
  GRAFTWORK_ASSERT(dict.size() <= 0xffff);
  std::string header(kMagic);
  header += {'\x01', '\x00', static_cast<char>(dict.size() & 0xff), static_cast<char>(dict.size() >> 8)};
  return header + dict;
}

}  // namespace graftwork::core
