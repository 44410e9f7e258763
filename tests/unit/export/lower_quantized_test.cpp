// Lowering of quantized networks: codes, scales, and the forms of Q/DQ.
#include "graftwork/nn/fake_quant.h"
#include "graftwork/nn/fold_batch_norm.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/quantize.h"
#include "unit/export/onnx_view.h"
#include "unit/quant/memory_samples.h"

namespace graftwork::core::testing {
namespace {

constexpr DType kTypes[] = {DType::kF32, DType::kF16};

/// Transforms and quantizes; `change` may set tensors before.
Network quantized(std::string_view text, DType type, const std::function<void(TensorStore&)>& change = {},
                  const QuantConfig& config = {}) {
  Network network = network_of(text);
  if (change) change(network.tensors);
  network.module = transform(network.module).model;
  TensorType input = *network.module.graph().inputs()[0]->tensor();
  input.dims[0] = Dim(8);
  QuantizeOptions options;
  options.float_type = type;
  return quantize(network, MemorySamples(random_tensor(input, 11)), config, options).network;
}

constexpr const char* kConvBn =
    "graph(%x: f32[s0, 3, 8, 8]) {\n  %c = nn.Conv2d @conv(%x) {in_channels=3, out_channels=16, kernel_size=[3, 3]}\n"
    "  %b = nn.BatchNorm2d @bn(%c) {num_features=16}\n  %y = nn.ReLU @act(%b)\n  return y=%y\n}\n";

/// γ of both signs and zero, and a channel whose weight is zero.
void set_hard_cases(TensorStore& tensors) {
  const at::Tensor gamma = tensors.at("bn.weight").clone(), weight = tensors.at("conv.weight").clone();
  gamma[3] = 0;
  gamma[5] = -0.75;
  weight[7].zero_();
  tensors.set("bn.weight", gamma);
  tensors.set("conv.weight", weight);
}

const ModuleRecord& record(const Network& network, Symbol path) {
  return network.module.modules()[network.module.modules().find(path)];
}

TEST(LowerQuantized, StoresCodesAndScalesThatGiveTheFoldedFakeQuantizedWeight) {
  for (const DType type : kTypes) {
    const Network network = quantized(kConvBn, type, set_hard_cases);
    const OnnxView view(lower(network, options_of(type)));
    const at::Tensor codes = view.tensor("conv.weight_codes"), scales = view.tensor("conv.weight_scale");
    EXPECT_EQ(codes.scalar_type(), at::kChar);
    EXPECT_EQ(scales.scalar_type(), type == DType::kF16 ? at::kHalf : at::kFloat);
    EXPECT_TRUE((scales > 0).all().item<bool>());
    EXPECT_EQ(codes.abs().amax().item<int>(), 127);
    EXPECT_EQ(codes[3].abs().amax().item<int>(), 0) << "gamma is zero";
    EXPECT_EQ(codes[7].abs().amax().item<int>(), 0) << "the weight is zero";
    const at::Tensor weight = network.tensors.at("conv.weight"),
                     scale = network.tensors.at("FusedConvBNAct_0.weight_fake_quant.scale");
    const at::Tensor own = quantize_codes(weight, scale, 0, weight_range("int8"));
    EXPECT_TRUE(at::equal(codes[5].to(at::kFloat), -own[5])) << "gamma is negative";
    const at::Tensor factor = batch_norm_affine(record(network, "bn"), network.tensors).factor;
    const at::Tensor expected =
        fold_into_weight(record(network, "conv"), fake_quantize(weight, scale, 0, weight_range("int8")), factor);
    EXPECT_LE(relative_difference(codes.to(at::kFloat) * scales.to(at::kFloat).view({-1, 1, 1, 1}), expected), 1e-6);
    EXPECT_EQ(view.integers(view.producer("conv.weight"), "axis"), std::vector<int64_t>{0});
  }
}

TEST(LowerQuantized, WritesTheFloatFormWithTheSameCodes) {
  for (const DType type : kTypes) {
    const Network network = quantized(kConvBn, type, set_hard_cases);
    const OnnxView ints(lower(network, options_of(type))), floats(lower(network, options_of(type, WeightForm::kFloat)));
    const onnx::Node& dequantize = floats.producer("conv.weight");
    ASSERT_EQ(dequantize.op_type, "DequantizeLinear");
    const onnx::Node& quantize = floats.producer(dequantize.inputs[0]);
    ASSERT_EQ(quantize.op_type, "QuantizeLinear");
    EXPECT_EQ(quantize.inputs[1], dequantize.inputs[1]);
    const at::Tensor scale = floats.tensor(quantize.inputs[1]);
    EXPECT_TRUE(at::equal(scale, ints.tensor("conv.weight_scale")));
    const at::Tensor plain = floats.tensor(quantize.inputs[0]);
    EXPECT_EQ(plain.scalar_type(), scale.scalar_type());
    const at::Tensor codes = quantize_codes(plain.to(at::kFloat), scale.to(at::kFloat), 0, weight_range("int8"));
    EXPECT_TRUE(at::equal(codes, ints.tensor("conv.weight_codes").to(at::kFloat))) << dtype_name(type);
  }
}

TEST(LowerQuantized, PutsQdqOnActivationsWithTheScaleOfTheStub) {
  for (const DType type : kTypes) {
    const Network network = quantized(kConvBn, type);
    const OnnxView view(lower(network, options_of(type)));
    const onnx::Node& conv = view.only("Conv");
    const onnx::Node& dequantize = view.producer(conv.inputs[0]);
    const onnx::Node& quantize = view.producer(dequantize.inputs[0]);
    EXPECT_EQ(quantize.op_type, "QuantizeLinear");
    EXPECT_EQ(quantize.inputs[0], type == DType::kF16 ? "x_cast" : "x");
    EXPECT_EQ(view.tensor(quantize.inputs[1]).item<float>(), network.tensors.at("quant_stub_0.scale").item<float>());
    EXPECT_EQ(view.stored(quantize.inputs[1]).dims, std::vector<int64_t>());
    EXPECT_EQ(view.stored(quantize.inputs[2]).type, DType::kI8);
  }
}

TEST(LowerQuantized, KeepsASubnormalScaleInFp32WithCasts) {
  Network network = quantized(kConvBn, DType::kF16);
  network.tensors.set("quant_stub_0.scale", at::scalar_tensor(2e-5F));
  const at::Tensor scales = network.tensors.at("FusedConvBNAct_0.weight_fake_quant.scale").clone();
  scales[2] = 1e-7F;
  network.tensors.set("FusedConvBNAct_0.weight_fake_quant.scale", scales);
  const OnnxView view(lower(network, options_of(DType::kF16)));
  const onnx::Node& conv = view.only("Conv");
  for (const std::string& operand : {conv.inputs[0], conv.inputs[1]}) {
    const onnx::Node& cast = view.producer(operand);
    ASSERT_EQ(cast.op_type, "Cast") << view.text();
    EXPECT_EQ(view.integers(cast, "to"), std::vector<int64_t>{10});
    const onnx::Node& dequantize = view.producer(cast.inputs[0]);
    EXPECT_EQ(view.stored(dequantize.inputs[1]).type, DType::kF32) << operand;
    if (view.is_stored(dequantize.inputs[0])) continue;
    const onnx::Node& quantize = view.producer(dequantize.inputs[0]);
    EXPECT_EQ(view.stored(quantize.inputs[1]).type, DType::kF32);
    EXPECT_EQ(view.integers(view.producer(quantize.inputs[0]), "to"), std::vector<int64_t>{1});
  }
  const OnnxView wide(lower(network, options_of(DType::kF32)));
  EXPECT_TRUE(wide.all("Cast").empty());
}

TEST(LowerQuantized, WritesLinearLayersAsGemmOrMatMul) {
  const auto text = [](const char* input) {
    return cat("graph(%x: ", input, ") {\n  %y = nn.Linear @l(%x) {in_features=6, out_features=4}\n  return %y\n}\n");
  };
  for (const WeightForm form : {WeightForm::kInt8, WeightForm::kFloat}) {
    const OnnxView gemm(lower(quantized(text("f32[s0, 6]"), DType::kF32), options_of(DType::kF32, form)));
    EXPECT_EQ(gemm.integers(gemm.only("Gemm"), "transB"), std::vector<int64_t>{1});
    EXPECT_EQ(gemm.integers(gemm.producer("l.weight"), "axis"), std::vector<int64_t>{0});
    const OnnxView product(lower(quantized(text("f32[s0, 5, 6]"), DType::kF32), options_of(DType::kF32, form)));
    EXPECT_EQ(product.integers(product.producer("l.weight"), "axis"), std::vector<int64_t>{1});
    EXPECT_EQ(product.producer(product.only("Add").inputs[0]).op_type, "MatMul");
    const char* stored = form == WeightForm::kInt8 ? "l.weight_codes" : "l.weight_float";
    EXPECT_EQ(gemm.stored(stored).dims, (std::vector<int64_t>{4, 6}));
    EXPECT_EQ(product.stored(stored).dims, (std::vector<int64_t>{6, 4}));
    EXPECT_TRUE(at::equal(gemm.tensor(stored).t(), product.tensor(stored)));
  }
}

/// Behind global pooling; `end` reads the classifier.
std::string classifier(const std::string& end) {
  return "graph(%x: f32[s0, 8, 5, 5]) {\n  %c = nn.Conv2d @conv(%x) {in_channels=8, out_channels=8, kernel_size=[3, "
         "3]}\n"
         "  %p = nn.AdaptiveAvgPool2d @pool(%c) {output_size=[1, 1]}\n"
         "  %l = nn.Conv2d @l(%p) {in_channels=8, out_channels=4, kernel_size=[1, 1]}\n" +
         end + "}\n";
}

TEST(LowerQuantized, WritesAFlattenedClassifierAsAProduct) {
  const std::string flattened = classifier("  %y = nn.Flatten @f(%l)\n  return y=%y\n");
  for (const DType type : kTypes) {
    const OnnxView view(lower(quantized(flattened, type), options_of(type)));
    const onnx::Node& product = view.only("Gemm");
    EXPECT_EQ(product.name, "l");
    EXPECT_EQ(view.integers(product, "transB"), std::vector<int64_t>{1});
    EXPECT_EQ(view.stored("l.weight_codes").dims, (std::vector<int64_t>{4, 8}));
    EXPECT_EQ(view.producer(product.inputs[0]).op_type, "Flatten");
    EXPECT_EQ(view.producer(view.producer(product.inputs[0]).inputs[0]).op_type, "DequantizeLinear");
    EXPECT_EQ(view.all("Conv").size(), 1U);
  }
}

TEST(LowerQuantized, LeavesOtherConvolutionsOfOnePixelAlone) {
  const char* ends[] = {
      "  return y=%l\n",
      "  %f = nn.Flatten @f(%l)\n  return y=%f, z=%l\n",
      "  %f = nn.Flatten @f(%l) {start_dim=2}\n  return y=%f\n",
      "  %r = nn.ReLU @r(%l)\n  %f = nn.Flatten @f(%r)\n  return y=%f\n",
  };
  for (const char* end : ends) {
    const OnnxView view(lower(quantized(classifier(end), DType::kF32), options_of(DType::kF32)));
    EXPECT_TRUE(view.all("Gemm").empty()) << end;
    EXPECT_EQ(view.all("Conv").size(), 2U) << end;
  }
}

TEST(LowerQuantized, LeavesAClassifierWhoseScalesDifferInTypeAConvolution) {
  const auto tiny = [](TensorStore& tensors) { tensors.set("l.weight", tensors.at("l.weight") * 1e-4); };
  const std::string text = classifier("  %y = nn.Flatten @f(%l)\n  return y=%y\n");
  EXPECT_TRUE(OnnxView(lower(quantized(text, DType::kF16, tiny), options_of(DType::kF16))).all("Gemm").empty());
  EXPECT_FALSE(OnnxView(lower(quantized(text, DType::kF32, tiny), options_of(DType::kF32))).all("Gemm").empty());
}

TEST(LowerQuantized, WritesNarrowConvolutionsWithFurtherAxes) {
  struct Case {
    const char* input;
    const char* attributes;
    std::vector<int64_t> kernel, pads, weight;
  };
  const Case cases[] = {
      {"f32[1, 3, 64]",
       "nn.Conv1d @l(%x) {in_channels=3, out_channels=4, kernel_size=[5], padding=[2], stride=[2]}",
       {1, 5},
       {0, 2, 0, 2},
       {4, 3, 1, 5}},
      {"f32[s0, 4, 64]",
       "nn.Conv1d @l(%x) {in_channels=4, out_channels=4, kernel_size=[1]}",
       {1, 1},
       {0, 0, 0, 0},
       {4, 4, 1, 1}},
      {"f32[1, 4, 1]",
       "nn.Conv1d @l(%x) {in_channels=4, out_channels=4, kernel_size=[1]}",
       {1, 1, 1},
       {0, 0, 0, 0, 0, 0},
       {4, 4, 1, 1, 1}},
      {"f32[1, 2, 9, 1]",
       "nn.Conv2d @l(%x) {in_channels=2, out_channels=4, kernel_size=[3, 1], padding=[1, 0]}",
       {1, 3, 1},
       {0, 1, 0, 0, 1, 0},
       {4, 2, 1, 3, 1}},
  };
  for (const Case& c : cases) {
    const std::string text = cat("graph(%x: ", c.input, ") {\n  %y = ", c.attributes, "\n  return y=%y\n}\n");
    const OnnxView view(lower(quantized(text, DType::kF32), options_of(DType::kF32)));
    const onnx::Node& conv = view.only("Conv");
    EXPECT_EQ(view.integers(conv, "kernel_shape"), c.kernel);
    EXPECT_EQ(view.integers(conv, "pads"), c.pads);
    EXPECT_EQ(view.stored("l.weight_codes").dims, c.weight);
    EXPECT_EQ(view.producer(conv.inputs[0]).op_type, "Unsqueeze");
    EXPECT_EQ(view.producer("y").op_type, "Squeeze");
  }
}

TEST(LowerQuantized, LeavesOtherConvolutionsOfFewChannelsAlone) {
  const char* calls[] = {
      "f32[1, 5, 64]) {\n  %y = nn.Conv1d @l(%x) {in_channels=5, out_channels=4, kernel_size=[3]}",
      "f32[2, 3, 64]) {\n  %y = nn.Conv1d @l(%x) {in_channels=3, out_channels=4, kernel_size=[3]}",
      "f32[1, 4, 64]) {\n  %y = nn.Conv1d @l(%x) {in_channels=4, out_channels=4, kernel_size=[3], groups=4}",
      "f32[1, 3, 9, 9]) {\n  %y = nn.Conv2d @l(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3]}",
      "f32[1, 3, 1, 9]) {\n  %y = nn.Conv2d @l(%x) {in_channels=3, out_channels=4, kernel_size=[1, 3]}",
      "f32[1, 3, 9, 9, 1]) {\n  %y = nn.Conv3d @l(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3, 1]}",
  };
  for (const char* call : calls) {
    const std::string text = cat("graph(%x: ", call, "\n  return y=%y\n}\n");
    const OnnxView view(lower(quantized(text, DType::kF32), options_of(DType::kF32)));
    EXPECT_FALSE(view.all("QuantizeLinear").empty()) << call;
    EXPECT_TRUE(view.all("Unsqueeze").empty()) << call;
  }
}

TEST(LowerQuantized, LeavesSkippedLayersAndUncalibratedStubsInFloat) {
  QuantConfig config;
  config.skip = {{"conv"}, {"conv"}};
  const OnnxView skipped(lower(quantized(kConvBn, DType::kF32, {}, config), options_of(DType::kF32)));
  EXPECT_EQ(skipped.text(), "Conv conv(x, conv.weight, conv.bias) -> conv\nRelu act(conv) -> y\n");
  Network network = network_of(kConvBn);
  network.module = transform(network.module).model;
  EXPECT_TRUE(OnnxView(lower(network, options_of(DType::kF32))).all("QuantizeLinear").empty());
}

TEST(LowerQuantized, AddsTheResidualInFrontOfTheActivation) {
  const Network network = quantized(
      "graph(%x: f32[s0, 4, 8, 8]) {\n  %c = nn.Conv2d @conv(%x) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n"
      "  %d = aten.add.Tensor(%c, %x)\n  %r = nn.ReLU @act(%d)\n  %y = nn.Linear @l(%r) "
      "{in_features=8, out_features=2, bias=none}\n  return y=%y\n}\n",
      DType::kF32);
  const OnnxView view(lower(network, options_of(DType::kF32)));
  const onnx::Node& add = view.only("Add");
  EXPECT_EQ(view.producer(add.inputs[0]).op_type, "Conv");
  EXPECT_EQ(view.producer(add.inputs[1]).op_type, "DequantizeLinear");
  EXPECT_EQ(view.producer(view.only("Conv").inputs[0]).name, view.producer(add.inputs[1]).name)
      << "one stub for both readers";
  EXPECT_EQ(view.only("Relu").inputs[0], add.outputs[0]);
}

}  // namespace
}  // namespace graftwork::core::testing
