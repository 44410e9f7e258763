#include "graftwork/cli/sensitivity_checkpoint.h"

#include <algorithm>
#include <cstring>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/data/npz.h"

namespace graftwork::cli {
namespace {

template <class Number>
NamedArray array_of(const std::string& name, DType type, const std::vector<Number>& numbers) {
  std::vector<std::byte> bytes(numbers.size() * sizeof(Number));
  if (!bytes.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return {name, make_array(type, {std::ssize(numbers)}, std::move(bytes))};
}

NamedArray text_array(const std::string& name, const std::string& text) {
  return array_of(name, DType::kU8, std::vector<uint8_t>(text.begin(), text.end()));
}

Error no_checkpoint(const std::filesystem::path& path) {
  return Error("checkpoint.format", "this is no checkpoint of `graftwork sensitivity`", "another name for --checkpoint")
      .at(path.string());
}

/// The arrays of a file by name.
class Arrays {
 public:
  explicit Arrays(const std::filesystem::path& path) : path_(path), arrays_(read_npz(path)) {}

  std::string text(const std::string& name) const {
    const std::vector<uint8_t> bytes = numbers<uint8_t>(name, DType::kU8);
    return {bytes.begin(), bytes.end()};
  }

  template <class Number>
  std::vector<Number> numbers(const std::string& name, DType type) const {
    const auto found = std::ranges::find(arrays_, name, &NamedArray::name);
    if (found == arrays_.end() || found->array.type != type || found->array.shape.size() != 1)
      throw no_checkpoint(path_);
    std::vector<Number> numbers(found->array.bytes.size() / sizeof(Number));
    if (!numbers.empty()) std::memcpy(numbers.data(), found->array.bytes.data(), found->array.bytes.size());
    return numbers;
  }

 private:
  std::filesystem::path path_;
  std::vector<NamedArray> arrays_;
};

}  // namespace

SensitivityCheckpoint::SensitivityCheckpoint(std::filesystem::path path, MeasuredThings things)
    : path_(std::move(path)), things_(std::move(things)) {}

SensitivityRecord SensitivityCheckpoint::read(SensitivityRecord empty) const {
  if (path_.empty() || !std::filesystem::exists(path_)) return empty;
  const Arrays arrays(path_);
  const auto refuse_other = [&](const char* array, const std::string& mine, const std::string& what) {
    if (arrays.text(array) == mine) return;
    throw Error("checkpoint.other", cat("the checkpoint is of another run: ", what),
                "removing the file, or the command that wrote it")
        .at(path_.string());
  };
  refuse_other("network", things_.network, "of another model");
  refuse_other("quantized", things_.quantized, "with another recipe, plan, or calibration data");
  refuse_other("samples", things_.samples, "on other samples or labels");
  SensitivityRecord record{arrays.numbers<double>("numbers", DType::kF64), arrays.numbers<uint8_t>("done", DType::kU8)};
  if (record.numbers.size() != empty.numbers.size() || record.done.size() != empty.done.size())
    throw no_checkpoint(path_);
  return record;
}

void SensitivityCheckpoint::keep(const SensitivityRecord& record, bool now) {
  if (path_.empty()) return;
  const bool is_complete = std::ranges::all_of(record.done, [](uint8_t done) { return done != 0; });
  if (!now && !is_complete && Clock::now() - written_ < std::chrono::seconds(1)) return;
  const std::vector<NamedArray> arrays{
      text_array("network", things_.network), text_array("quantized", things_.quantized),
      text_array("samples", things_.samples), array_of("numbers", DType::kF64, record.numbers),
      array_of("done", DType::kU8, record.done)};
  write_npz(path_, arrays);
  written_ = Clock::now();
}

}  // namespace graftwork::cli
