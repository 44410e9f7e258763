#include "graftwork/export/lowering.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/opset.h"
#include "graftwork/export/value_info.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/exported_scale.h"
#include "graftwork/nn/fake_quant.h"
#include "graftwork/nn/half.h"

namespace graftwork::core {
namespace {

onnx::Tensor to_onnx(const std::string& name, const at::Tensor& tensor, bool is_int4) {
  if (is_int4) {
    const auto packed = std::make_shared<at::Tensor>(packed_int4(tensor));
    const auto* bytes = static_cast<const std::byte*>(packed->const_data_ptr());
    onnx::Tensor result = onnx::raw_tensor(name, DType::kI8, tensor.sizes().vec(), {packed, {bytes, packed->nbytes()}});
    result.is_int4 = true;
    return result;
  }
  auto held = std::make_shared<at::Tensor>(tensor.detach().cpu().contiguous());
  const auto* data = static_cast<const std::byte*>(held->const_data_ptr());
  const std::optional<DType> type = from_torch(held->scalar_type());
  if (!type) throw Error("export.dtype", cat("ONNX has no type for ", c10::toString(held->scalar_type())));
  return onnx::raw_tensor(name, *type, held->sizes().vec(), {held, {data, held->nbytes()}});
}

/// Its range is that of FP32 but for the last numbers, which would round up to infinity.
at::Tensor in_bfloat16(const at::Tensor& tensor) {
  constexpr double kLargest = 0x1.FEp127;
  return at::where(at::isfinite(tensor), tensor.clamp(-kLargest, kLargest), tensor).to(at::kBFloat16);
}

/// Whether all are finite in FP16, as seen without a copy of a large weight: from 65520 on they would be infinite.
bool stays_finite_in_half(const at::Tensor& tensor) {
  constexpr double kFirstInfinite = 65520;
  if (tensor.numel() == 0) return true;
  const auto [least, most] = at::aminmax(tensor.to(at::promote_types(tensor.scalar_type(), at::kFloat)));
  return least.item<double>() > -kFirstInfinite && most.item<double>() < kFirstInfinite;  // neither where one is NaN
}

/// Numbers of FP8 compare by their bits.
bool same_numbers(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != b.scalar_type()) return false;
  return a.scalar_type() == at::kFloat8_e4m3fn ? at::equal(a.view(at::kByte), b.view(at::kByte)) : at::equal(a, b);
}

}  // namespace

Lowering::Lowering(const Network& network, const ExportOptions& options)
    : network_(network), options_(options), file_type_(options.float_type) {
  options_.backend = or_used(options.backend);
  if (file_type_ == DType::kF16) masks_.emplace(network);
  if (file_type_ == DType::kBF16) need_opset(kBFloat16Opset);
  // Names of inputs and results belong to the user; everything else steps aside.
  for (const Node* input : network.module.graph().inputs()) value_names_.insert(input->name().str());
  for (const Symbol name : network.module.signature().outputs) value_names_.insert(name.str());
}

DType Lowering::float_type_of(const Node& node) const {
  if (file_type_ != DType::kF16) return file_type_;
  if (node.kind() != NodeKind::kConstant) return is_wide(network_.wide, node) ? DType::kF32 : file_type_;
  for (const Use* use = node.uses(); use; use = use->next()) {
    if (!is_wide(network_.wide, *use->user())) return file_type_;
  }
  return DType::kF32;
}

DType Lowering::file_dtype_of(const Node& node) const {
  return is_written_as_float(node.tensor()->dtype) ? float_type_of(node) : node.tensor()->dtype;
}

void Lowering::declare(const std::string& value, const Type& type) {
  const TensorType* tensor = type.tensor();
  types_.try_emplace(value, tensor ? Type(TensorType{exported_dtype(tensor->dtype), tensor->dims}) : type);
}

void Lowering::enter(const Node& node) {
  current_ = &node;
  options_.float_type = float_type_of(node);
}

void Lowering::bind(const Node& node, std::string value) {
  declare(value, node.type());
  float_types_[value] = options_.float_type;
  values_[&node] = {std::move(value), options_.float_type};
}

void Lowering::bind_cast(const Node& node, std::string value, std::string source, DType source_type) {
  sources_[value] = {std::move(source), source_type};
  bind(node, std::move(value));
}

const std::string& Lowering::cast(const std::string& value, DType type) {
  std::string& known = casts_[{value, type}];
  if (!known.empty()) return known;
  const auto source = sources_.find(value);
  const bool is_there = source != sources_.end() && source->second.float_type == type;
  const std::string& from = source == sources_.end() ? value : source->second.name;
  known = is_there ? from : add("Cast", cat(value, "_", dtype_name(type)), {from}, {{"to", onnx::data_type(type)}});
  return known;
}

const std::string& Lowering::operand(const Node& node, size_t slot) {
  if (slot >= node.input_count()) throw Error("export.attribute", cat("it reads no operand ", slot));
  const Node& producer = node.input(slot);
  const Bound& bound = values_.at(&producer);
  const bool is_float = producer.tensor() && is_written_as_float(producer.tensor()->dtype);
  if (!is_float || bound.float_type == options_.float_type) return bound.name;
  std::string& known = casts_[{bound.name, options_.float_type}];
  if (!known.empty()) return known;
  // A Cast behind DQ would hide the codes, and products of two types that read the same codes are refused.
  if (const auto pair = pairs_.find(bound.name); pair != pairs_.end())
    return known = quantize_dequantize(operand(producer, 0), pair->second.name, pair->second.scale, pair->second.type);
  if (producer.kind() != NodeKind::kConstant) return cast(bound.name, options_.float_type);
  return known = float_constant(producer.name().str(), evaluate(producer.constant(), network_.tensors));
}

std::string Lowering::fresh_value(const std::string& wanted) {
  std::string name = wanted;
  for (size_t k = 1; !value_names_.insert(name).second; ++k) name = cat(wanted, "_", k);
  return name;
}

std::string Lowering::result_name(const Node& node) {
  const auto found = results_.find(&node);
  return found == results_.end() ? fresh_value(node.name().str()) : found->second;
}

std::string Lowering::given_name(const Node& node) const {
  const auto found = results_.find(&node);
  return found == results_.end() ? std::string() : found->second;
}

void Lowering::forget(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    values_.erase(&node);
    results_.erase(&node);
  }
}

void Lowering::list_types() {
  std::set<std::string_view> results;
  for (const onnx::ValueInfo& output : model_.graph.outputs) results.insert(output.name);
  for (const onnx::Node& node : model_.graph.nodes) {
    for (const std::string& output : node.outputs) {
      const auto known = types_.find(output);
      if (known == types_.end() || !known->second.tensor() || results.contains(output)) continue;
      model_.graph.value_infos.push_back(value_info(output, known->second));
    }
  }
}

std::string Lowering::unique_node_name(const std::string& wanted) {
  std::string name = wanted;
  for (size_t k = 1; !node_names_.insert(name).second; ++k) name = cat(wanted, "_", k);
  return name;
}

std::string Lowering::add(const std::string& op_type, const std::string& name, std::vector<std::string> inputs,
                          std::vector<std::pair<std::string, onnx::AttributeValue>> attributes, std::string output) {
  if (output.empty()) output = fresh_value(name);
  add_multi(op_type, name, std::move(inputs), {output}, std::move(attributes));
  return output;
}

void Lowering::add_multi(const std::string& op_type, const std::string& name, std::vector<std::string> inputs,
                         std::vector<std::string> outputs,
                         std::vector<std::pair<std::string, onnx::AttributeValue>> attributes) {
  model_.graph.nodes.push_back(
      {op_type, unique_node_name(name), std::move(inputs), std::move(outputs), std::move(attributes), {}});
}

std::string Lowering::constant(const std::string& name, const at::Tensor& tensor) {
  return stored(name, tensor, false);
}

std::string Lowering::stored(const std::string& name, const at::Tensor& tensor, bool is_int4) {
  // A module that is called twice asks for its constants twice.
  for (size_t k = 0;; ++k) {
    const std::string candidate = k == 0 ? name : cat(name, "_", k);
    const auto known = constants_.find(candidate);
    if (known != constants_.end() && known->second.is_int4 == is_int4 && same_numbers(known->second.tensor, tensor))
      return candidate;
    if (known != constants_.end() || !value_names_.insert(candidate).second) continue;
    constants_.emplace(candidate, Stored{tensor, is_int4});
    model_.graph.initializers.push_back(to_onnx(candidate, tensor, is_int4));
    return candidate;
  }
}

std::string Lowering::float_constant(const std::string& name, const at::Tensor& tensor) {
  if (options_.float_type == DType::kBF16) return constant(name, in_bfloat16(tensor));
  if (options_.float_type != DType::kF16) return constant(name, tensor.to(at::kFloat));
  const at::Tensor half = tensor.to(at::kHalf);
  if (stays_finite_in_half(tensor)) return constant(name, half);
  // Mask constants may hold −inf; a finite number that becomes infinite is lost.
  const at::Tensor lost = at::logical_and(at::isinf(half), at::isfinite(tensor));
  if (lost.any().item<bool>()) {
    if (takes_any_low_number())
      return constant(name, at::where(lost, tensor.clamp(-kLargestHalf, kLargestHalf).to(at::kHalf), half));
    throw Error("export.fp16",
                cat("the constant ", name, " reaches ", tensor.abs().max().item<double>(),
                    " and does not fit FP16 (largest number 65504)"),
                "FP32 for what is not quantized");
  }
  return constant(name, half);
}

bool Lowering::takes_any_low_number() const {
  return current_ && (masks_->is_absorbed(*current_) || is_clamp(*current_));
}

std::string Lowering::float_scalar(const std::string& name, double value) {
  return float_constant(name, at::scalar_tensor(value, at::kDouble));
}

std::string Lowering::integers(const std::string& name, const std::vector<int64_t>& values) {
  return constant(name, at::tensor(at::ArrayRef<int64_t>(values), at::kLong));
}

std::string Lowering::codes_constant(const std::string& name, const at::Tensor& codes, CodeType type) {
  return stored(name, as_codes(codes, type), type == CodeType::kInt4);
}

std::string Lowering::zero_point(const std::string& name, const at::Tensor& scales, CodeType type) {
  return codes_constant(name + "_zero_point", at::zeros(scales.sizes(), at::kFloat), type);
}

std::string Lowering::dequantize(const std::string& name, const std::string& codes, const WeightCodes& weight,
                                 const std::string& output) {
  const bool keeps_bits = options_.float_type != DType::kF16 || fits_half(weight.scales);
  const at::Tensor written = written_scales(weight.scales, options_.float_type);
  const std::string scale = constant(name + "_scale", written);
  const std::string zero = zero_point(name, weight.scales, weight.type);
  std::vector<std::pair<std::string, onnx::AttributeValue>> attributes{{"axis", weight.axis}};
  if (weight.block_size > 0) attributes.emplace_back("block_size", weight.block_size);
  if (weight.type == CodeType::kInt4 || weight.block_size > 0) need_opset(kInt4Opset);
  if (keeps_bits) return add("DequantizeLinear", name + "_dq", {codes, scale, zero}, attributes, output);
  const std::string wide =
      add("DequantizeLinear", name + "_dq", {codes, scale, zero}, attributes, fresh_value(name + "_f32"));
  return add("Cast", name + "_cast", {wide}, {{"to", onnx::data_type(DType::kF16)}}, output);
}

std::string Lowering::quantize_inner_value(const std::string& value, const std::string& name, float scale,
                                           CodeType type) {
  const DType float_type = options_.float_type;
  return inner_pairs_[{value, scale, type, float_type}] = quantize_dequantize(value, name, scale, type);
}

std::string Lowering::quantize_dequantize(const std::string& value, const std::string& name, float scale,
                                          CodeType type) {
  if (const auto inner = inner_pairs_.find({value, scale, type, options_.float_type}); inner != inner_pairs_.end())
    return inner->second;
  const at::Tensor scales = at::scalar_tensor(scale, at::kFloat);
  const auto bound = float_types_.find(value);
  const DType float_type = bound == float_types_.end() ? options_.float_type : bound->second;
  std::string input = value;
  if (float_type == DType::kF16 && !fits_half(scales)) {
    input = add("Cast", name + "_widen", {value}, {{"to", onnx::data_type(DType::kF32)}}, fresh_value(name + "_wide"));
  }
  const std::string scale_name = constant(name + "_scale", written_scales(scales, float_type));
  const std::string codes = add("QuantizeLinear", name + "_q", {input, scale_name, zero_point(name, scales, type)},
                                {{"axis", int64_t{0}}}, fresh_value(name + "_codes"));
  const std::string output = dequantize(name, codes, {{}, scales, 0, type}, fresh_value(name));
  pairs_[output] = {name, scale, type};
  return output;
}

std::optional<CodeType> Lowering::codes_behind(const std::string& value) const {
  const auto pair = pairs_.find(value);
  return pair == pairs_.end() ? std::nullopt : std::optional(pair->second.type);
}

std::string Lowering::quantized_weight(const std::string& name, const WeightCodes& weight) {
  const std::string output = fresh_value(name);
  if (options_.weights == WeightForm::kInt8)
    return dequantize(name, codes_constant(name + "_codes", weight.codes, weight.type), weight, output);
  if (weight.type != CodeType::kInt8)
    throw Error("export.weights", cat(name, " is stored in codes that TensorRT 8, which float weights are for, lacks"),
                "weights stored as codes");
  const bool narrow = options_.float_type == DType::kF16 && fits_half(weight.scales);
  const std::string scale = constant(name + "_scale", narrow ? weight.scales.to(at::kHalf) : weight.scales);
  // Multiples of the scale, not the weight itself: rounded to FP16, some of that would give other codes.
  std::vector<int64_t> shape(static_cast<size_t>(weight.codes.dim()), 1);
  if (weight.scales.dim() > 0) shape[static_cast<size_t>(weight.axis)] = weight.scales.numel();
  const at::Tensor numbers = weight.codes * weight.scales.view(shape);
  const std::string plain =
      narrow ? float_constant(name + "_float", numbers) : constant(name + "_float", numbers.to(at::kFloat));
  const std::string quantized =
      add("QuantizeLinear", name + "_q", {plain, scale, zero_point(name, weight.scales, weight.type)},
          {{"axis", weight.axis}}, fresh_value(name + "_codes"));
  return dequantize(name, quantized, weight, output);
}

}  // namespace graftwork::core
