#include "graftwork/export/code_type.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"

namespace graftwork {

CodeType code_type_of(const ModuleRecord& fake_quantize) {
  const std::string& precision = *attribute_of(fake_quantize, "precision")->get<std::string>();
  if (precision == "int8") return CodeType::kInt8;
  if (precision == "int4") return CodeType::kInt4;
  if (precision == "fp8") return CodeType::kE4m3;
  throw Error("export.precision", cat(fake_quantize.path.str(), " is ", precision, ", which TensorRT has no type for (rule E02)"),
              "int8 or fp8");
}

at::Tensor as_codes(const at::Tensor& codes, CodeType type) {
  return codes.to(type == CodeType::kE4m3 ? at::kFloat8_e4m3fn : at::kChar);
}

at::Tensor packed_int4(const at::Tensor& codes) {
  at::Tensor halves = codes.flatten().bitwise_and(15).to(at::kByte);
  if (halves.numel() % 2 != 0) halves = at::cat({halves, at::zeros({1}, halves.options())});
  const at::Tensor pairs = halves.view({-1, 2});
  return pairs.select(1, 0).bitwise_or(pairs.select(1, 1).bitwise_left_shift(4));
}

}  // namespace graftwork
