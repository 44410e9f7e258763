#include "graftwork/patterns/placement/precision.h"

#include <algorithm>
#include <array>

namespace graftwork::core {
namespace {

struct Names {
  Precision precision;
  std::string_view name;
  std::string_view title;
};

constexpr std::array<Names, 4> kNames{{{Precision::kInt8, "int8", "INT8"},
                                       {Precision::kInt4, "int4", "INT4"},
                                       {Precision::kInt16, "int16", "INT16"},
                                       {Precision::kFp8, "fp8", "FP8"}}};

}  // namespace

std::string_view name_of(Precision precision) { return kNames[static_cast<size_t>(precision)].name; }
std::string_view title_of(Precision precision) { return kNames[static_cast<size_t>(precision)].title; }

std::optional<Precision> precision_named(std::string_view name) {
  const auto* known = std::ranges::find(kNames, name, &Names::name);
  return known == kNames.end() ? std::nullopt : std::optional(known->precision);
}

}  // namespace graftwork::core
