#include "graftwork/cli/torch/sensitivity/sensitivity_checkpoint.h"

#include <algorithm>
#include <optional>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/data/array_record.h"
#include "graftwork/data/npz.h"

namespace graftwork::core::cli {
namespace {

Error no_checkpoint(const std::filesystem::path& path) {
  return Error("checkpoint.format", "this is no checkpoint of `graftwork sensitivity`", "another name for --checkpoint")
      .at(path.string());
}

template <class Field>
Field present(std::optional<Field> field, const std::filesystem::path& path) {
  if (!field) throw no_checkpoint(path);
  return std::move(*field);
}

}  // namespace

SensitivityCheckpoint::SensitivityCheckpoint(std::filesystem::path path, MeasuredThings things)
    : path_(std::move(path)), things_(std::move(things)) {}

SensitivityRecord SensitivityCheckpoint::read(SensitivityRecord empty) const {
  if (path_.empty() || !std::filesystem::exists(path_)) return empty;
  const ArrayRecord stored(path_);
  const auto refuse_other = [&](const char* array, const std::string& mine, const std::string& what) {
    if (present(stored.text(array), path_) == mine) return;
    throw Error("checkpoint.other", cat("the checkpoint is of another run: ", what),
                "removing the file, or the command that wrote it")
        .at(path_.string());
  };
  refuse_other("network", things_.network, "of another model");
  refuse_other("quantized", things_.quantized, "with another recipe, plan, or calibration data");
  refuse_other("samples", things_.samples, "on other samples or labels");
  SensitivityRecord record{present(stored.numbers<double>("numbers", DType::kF64), path_),
                           present(stored.numbers<uint8_t>("done", DType::kU8), path_)};
  if (record.numbers.size() != empty.numbers.size() || record.done.size() != empty.done.size())
    throw no_checkpoint(path_);
  return record;
}

void SensitivityCheckpoint::keep(const SensitivityRecord& record, bool now,
                                 const std::function<void()>& before_writing) {
  if (path_.empty()) return;
  const bool is_complete = std::ranges::all_of(record.done, [](uint8_t done) { return done != 0; });
  if (!now && !is_complete && Clock::now() - written_ < std::chrono::seconds(1)) return;
  before_writing();
  const std::vector<NamedArray> arrays{
      text_array("network", things_.network), text_array("quantized", things_.quantized),
      text_array("samples", things_.samples), number_array("numbers", DType::kF64, record.numbers),
      number_array("done", DType::kU8, record.done)};
  write_npz(path_, arrays);
  written_ = Clock::now();
}

}  // namespace graftwork::core::cli
