#include "graftwork/export/code_type.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core {

namespace {

void check_symmetric(const ModuleRecord& fake_quantize, const TensorStore& tensors) {
  const ParamExpr* zero_point = fake_quantize.param("zero_point");
  if (zero_point && evaluate(*zero_point, tensors).count_nonzero().item<int64_t>() > 0) {
    throw Error("export.zero_point", cat(fake_quantize.path.str(), " has a zero point that is not 0"),
                "symmetric quantization, the only one that TensorRT takes (rule V1)");
  }
}

CodeType code_type_of(const ModuleRecord& fake_quantize) {
  const std::string& precision = *attribute_of(fake_quantize, "precision")->get<std::string>();
  if (precision == "int8") return CodeType::kInt8;
  if (precision == "int4") return CodeType::kInt4;
  if (precision == "fp8") return CodeType::kE4m3;
  throw Error("export.precision",
              cat(fake_quantize.path.str(), " is ", precision, ", which TensorRT has no type for (rule E02)"),
              "int8 or fp8");
}

}  // namespace

CodeType activation_code_type(const ModuleRecord& stub, const TensorStore& tensors) {
  check_symmetric(stub, tensors);
  const CodeType type = code_type_of(stub);
  if (type == CodeType::kInt4)
    throw Error("export.precision", stub.path.str() + " is int4, which TensorRT takes for weights alone (rule Q1)",
                "int8 or fp8");
  return type;
}

CodeType weight_code_type(const ModuleRecord& fake_quantize, const TensorStore& tensors) {
  check_symmetric(fake_quantize, tensors);
  const CodeType type = code_type_of(fake_quantize);
  if (type == CodeType::kInt4 && *attribute_of(fake_quantize, "block_size")->get<int64_t>() == 0)
    throw Error("export.precision",
                fake_quantize.path.str() + " is int4 by channels, and TensorRT takes INT4 in blocks alone (rule Q1)",
                "\"block_size\": 128 in the recipe");
  return type;
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

}  // namespace graftwork::core
