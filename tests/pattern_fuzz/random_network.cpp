#include "pattern_fuzz/random_network.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include "graftwork/base/text.h"

namespace graftwork::core::testing {
namespace {

using Shape = std::vector<int64_t>;

struct Value {
  std::string name;
  Shape shape;
};

std::string list(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += cat(i ? ", " : "", shape[i]);
  return text + "]";
}

std::string type_of(const Shape& shape) { return "f32" + list(shape); }

class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}

  std::string write(size_t motifs) {
    open_.push_back({"x", {2, 3, 9, 9}});
    open_.push_back({"z", {2, 8, 5, 4}});
    for (size_t i = 0; i < motifs; ++i) motif();
    std::string results;
    for (const Value& value : open_) results += (results.empty() ? "%" : ", %") + value.name;
    return "graph(%x: f32[2, 3, 9, 9], %z: f32[2, 8, 5, 4]) {\n" + text_ + "  return " + results + "\n}\n";
  }

 private:
  // ---- chance ------------------------------------------------------------------------------------
  uint64_t below(uint64_t bound) { return random_() % bound; }
  bool one_in(uint64_t chances) { return below(chances) == 0; }
  template <class T>
  const T& any_of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

  // ---- statements --------------------------------------------------------------------------------
  std::string fresh(const char* stem) { return cat(stem, next_++); }

  /// "%name: type = call", read by somebody else too, now and then.
  Value emit(const Shape& shape, const std::string& call) {
    Value value{fresh("v"), shape};
    text_ += cat("  %", value.name, ": ", type_of(shape), " = ", call, "\n");
    if (!is_masked_ && one_in(25)) second_reader(value);
    if (one_in(40)) text_ += cat("  %", fresh("dead"), " = aten.neg.default(%", value.name, ")\n");
    return value;
  }

  void second_reader(const Value& value) {
    const std::string name = fresh("seen");
    text_ += cat("  %", name, " = aten.neg.default(%", value.name, ")\n");
    if (value.shape.size() <= 4) return open_.push_back({name, value.shape});
    // Other motifs read images and tokens.
    const Shape flat{value.shape[0],
                     std::accumulate(value.shape.begin() + 1, value.shape.end(), int64_t{1}, std::multiplies<>())};
    const std::string row = fresh("row");
    text_ += cat("  %", row, ": ", type_of(flat), " = aten.reshape.default(%", name, ") {shape=", list(flat), "}\n");
    open_.push_back({row, flat});
  }

  std::string parameter(const std::string& path, const char* part, const Shape& shape) {
    const std::string name = fresh("p");
    text_ += cat("  %", name, " = constant @", path, ".", part, ": ", type_of(shape), "\n");
    return "%" + name;
  }

  Value unary(const char* op, const Value& x, const std::string& attrs = "") {
    return emit(x.shape, cat(op, "(%", x.name, ")", attrs.empty() ? "" : " {" + attrs + "}"));
  }

  Value binary(const char* op, const Value& a, const Value& b) {
    const bool swap = one_in(2);
    return emit(a.shape, cat(op, "(%", (swap ? b : a).name, ", %", (swap ? a : b).name, ")",
                             std::string_view(op) == "aten.add.Tensor" && one_in(4) ? " {alpha=1}" : ""));
  }

  /// Takes an open value out of the list: what nobody reads in the end is a result.
  Value take() {
    const size_t at = below(open_.size());
    const Value value = open_[at];
    if (!one_in(5)) open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(at));  // else it is read again
    return value;
  }

  // ---- layers ------------------------------------------------------------------------------------
  struct Conv {
    int64_t out, kernel, stride, padding, dilation, groups;
  };

  static Shape convolved(const Shape& in, const Conv& conv) {
    Shape out{in[0], conv.out};
    for (size_t i = 2; i < in.size(); ++i)
      out.push_back((in[i] + 2 * conv.padding - conv.dilation * (conv.kernel - 1) - 1) / conv.stride + 1);
    return out;
  }

  Value conv(const Value& x, Conv conv) {
    const size_t spatial = x.shape.size() - 2;
    const int64_t in = x.shape[1];
    const std::string path = fresh("conv");
    const bool bias = one_in(2);
    const Shape out = convolved(x.shape, conv);
    const auto all = [&](int64_t number) { return list(Shape(spatial, number)); };
    const std::string window = cat("stride=", all(conv.stride), ", padding=", all(conv.padding),
                                   ", dilation=", all(conv.dilation), ", groups=", conv.groups);
    const uint64_t spelling = below(4);
    if (spelling == 0) {
      const std::string module = cat("nn.Conv", spatial, "d @", path);
      Value y = emit(out, cat(module, "(%", x.name, ") {in_channels=", in, ", out_channels=", conv.out,
                              ", kernel_size=", all(conv.kernel), ", ", window, bias ? "}" : ", bias=none}"));
      // The same module again, on the same value or on its own result.
      if (one_in(6)) open_.push_back(emit(out, cat(module, "(%", x.name, ")")));
      if (out == x.shape && one_in(4)) y = emit(out, cat(module, "(%", y.name, ")"));
      return y;
    }
    Shape weight{conv.out, in / conv.groups};
    weight.insert(weight.end(), spatial, conv.kernel);
    std::string operands = cat("(%", x.name, ", ", quantized(parameter(path, "weight", weight), weight));
    if (bias) operands += ", " + parameter(path, "bias", {conv.out});
    if (spelling == 1) {
      return emit(out, cat("aten.convolution.default", operands, ") {", bias ? "" : "bias=none, ", window,
                           ", transposed=false, output_padding=", all(0), "}"));
    }
    const bool same = conv.stride == 1 && 2 * conv.padding == conv.dilation * (conv.kernel - 1);
    if (spelling == 2 && same) {
      return emit(out, cat("aten.conv", spatial, "d.padding", operands,
                           ") {padding=\"same\", dilation=", all(conv.dilation), ", groups=", conv.groups, "}"));
    }
    return emit(out, cat("aten.conv", spatial, "d.default", operands, ") {", window, "}"));
  }

  /// A weight as a trained network has it, now and then. Powers of two: a product with the inverse is the quotient.
  std::string quantized(const std::string& weight, const Shape& shape) {
    if (!one_in(8)) return weight;
    const std::string name = fresh("q");
    text_ += cat("  %", name, ": ", type_of(shape), " = aten.fake_quantize_per_tensor_affine.default(", weight,
                 ") {scale=0.015625, zero_point=0, quant_min=", one_in(2) ? -127 : -128, ", quant_max=127}\n");
    return "%" + name;
  }

  Value batch_norm(const Value& x) {
    const std::string path = fresh("bn");
    const int64_t channels = x.shape[1];
    const uint64_t spelling = below(3);
    if (spelling == 0 && x.shape.size() > 2)
      return emit(x.shape, cat("nn.BatchNorm", x.shape.size() - 2, "d @", path, "(%", x.name,
                               ") {num_features=", channels, "}"));
    std::string operands = "(%" + x.name;
    for (const char* part : {"weight", "bias", "running_mean", "running_var"})
      operands += ", " + parameter(path, part, {channels});
    if (spelling == 1) {
      return emit(x.shape, cat("aten.batch_norm.default", operands,
                               ") {training=false, momentum=0.1, eps=1e-05, cudnn_enabled=false}"));
    }
    const std::string name = fresh("t");
    text_ += cat("  %", name, ": (", type_of(x.shape),
                 ", f32[0], f32[0]) = aten._native_batch_norm_legit_no_training.default", operands,
                 ") {momentum=0.1, eps=1e-05}\n");
    return emit(x.shape, cat("get_item(%", name, ") {index=0}"));
  }

  Value activation(const Value& x) {
    static const std::vector<std::pair<const char*, const char*>> kPlain{
        {"aten.relu.default", ""},
        {"aten.relu6.default", ""},
        {"aten.hardtanh.default", "min_val=0, max_val=6"},
        {"aten.clamp.default", "min=0, max=6"},
        {"aten.clamp.default", "min=0"},
        {"aten.leaky_relu.default", "negative_slope=0.2"},
        {"aten.elu.default", ""},
        {"aten.gelu.default", ""},
        {"aten.gelu.default", "approximate=\"tanh\""},
        {"aten.silu.default", ""},
        {"aten.hardswish.default", ""},
        {"aten.hardsigmoid.default", ""},
        {"aten.sigmoid.default", ""},
        {"aten.tanh.default", ""},
        {"aten.mish.default", ""},
        {"aten.softplus.default", ""}};
    static const std::vector<const char*> kModules{"nn.ReLU",    "nn.ReLU6",  "nn.ELU",       "nn.GELU",
                                                   "nn.SiLU",    "QuickGELU", "nn.Hardswish", "nn.Hardsigmoid",
                                                   "nn.Sigmoid", "nn.Tanh",   "nn.Mish"};
    const uint64_t choice = below(4);
    if (choice == 0) return emit(x.shape, cat(any_of(kModules), " @", fresh("act"), "(%", x.name, ")"));
    if (choice == 1) return spelled_out(x);
    const auto& [op, attrs] = any_of(kPlain);
    return unary(op, x, attrs);
  }

  Value spelled_out(Value x) {
    // Far below 0 the sum of 1 and nearly −1 has no digits left, and the two spellings differ by right.
    if (one_in(3)) return spelled_out_gelu(unary("aten.tanh.default", x));
    const auto number = [&](const char* op, const Value& v, const char* other) {
      return unary(op, v, cat("other=", other));
    };
    switch (below(5)) {
      case 0:
        return binary("aten.mul.Tensor", x,
                      unary("aten.sigmoid.default", one_in(2) ? number("aten.mul.Tensor", x, "1.702") : x));
      case 1: {
        const Value limited = unary("aten.clamp.default", number("aten.add.Tensor", x, "3"), "min=0, max=6");
        if (one_in(3)) return number("aten.div.Tensor", limited, "6");
        if (one_in(2)) return number("aten.div.Tensor", binary("aten.mul.Tensor", x, limited), "6");
        return binary("aten.mul.Tensor", x, number("aten.div.Tensor", limited, "6.0"));
      }
      case 2:
        return binary("aten.mul.Tensor", x, unary("aten.tanh.default", unary("aten.softplus.default", x)));
      case 3:
        return one_in(2) ? binary("aten.maximum.default", x, number("aten.mul.Tensor", x, "0.1"))
                         : binary("aten.maximum.default", x, unary("aten.zeros_like.default", x));
      default:
        return unary("aten.reciprocal.default",
                     number("aten.add.Tensor", unary("aten.exp.default", unary("aten.neg.default", x)), "1"));
    }
  }

  Value spelled_out_gelu(const Value& x) {
    const auto number = [&](const char* op, const Value& v, const char* other) {
      return unary(op, v, cat("other=", other));
    };
    if (one_in(2)) {
      const Value erf = unary("aten.erf.default", number("aten.div.Tensor", x, "1.4142135623730951"));
      const Value raised = number("aten.add.Tensor", erf, "1");
      if (one_in(2)) return number("aten.mul.Tensor", binary("aten.mul.Tensor", x, raised), "0.5");
      return binary("aten.mul.Tensor", number("aten.mul.Tensor", x, "0.5"), raised);
    }
    const Value cube = unary("aten.pow.Tensor_Scalar", x, "exponent=3");
    const Value sum = binary("aten.add.Tensor", x, number("aten.mul.Tensor", cube, "0.044715"));
    const Value tanh = unary("aten.tanh.default", number("aten.mul.Tensor", sum, "0.7978845608028654"));
    return binary("aten.mul.Tensor", number("aten.mul.Tensor", x, "0.5"), number("aten.add.Tensor", tanh, "1"));
  }

  Value conv_bn(const Value& x, const Conv& form) {
    Value y = conv(x, form);
    if (!one_in(3)) y = batch_norm(y);
    return y;
  }

  static constexpr Conv kKeeps(int64_t channels) { return {channels, 3, 1, 1, 1, 1}; }

  Conv random_conv(const Value& x) {
    const int64_t in = x.shape[1];
    const int64_t kernel = one_in(2) ? 1 : 3;
    Conv form{any_of<int64_t>({4, 8, 16}), kernel, 1 + static_cast<int64_t>(below(2)), kernel / 2, 1, 1};
    if (in % 4 == 0 && one_in(4)) form.groups = any_of<int64_t>({2, 4});
    if (one_in(4)) form = {in, 3, 1, 1, 1, in};  // depthwise
    if (one_in(6)) form = {in, 3, 1, 2, 2, 1};   // dilated
    return form;
  }

  Value linear(const Value& x) {
    const int64_t in = x.shape.back(), out = any_of<int64_t>({4, 6});
    Shape shape = x.shape;
    shape.back() = out;
    const std::string path = fresh("fc");
    if (one_in(3))
      return emit(shape, cat("nn.Linear @", path, "(%", x.name, ") {in_features=", in, ", out_features=", out, "}"));
    if (x.shape.size() == 2 && one_in(2)) {
      const std::string bias = parameter(path, "bias", {out});
      const std::string weight = parameter(path, "weight", {in, out});
      return emit(shape, cat("aten.addmm.default(", bias, ", %", x.name, ", ", weight, ")"));
    }
    const std::string weight = quantized(parameter(path, "weight", {out, in}), {out, in});
    return emit(shape, cat("aten.linear.default(%", x.name, ", ", weight, ", ", parameter(path, "bias", {out}), ")"));
  }

  Value norm(const Value& x) {
    const std::string path = fresh("norm");
    const int64_t channels = x.shape[1];
    const auto affine = [&](const Shape& shape) {
      return cat("(%", x.name, ", ", parameter(path, "weight", shape), ", ", parameter(path, "bias", shape), ")");
    };
    // Normalising a single value gives rounding errors, 300 times enlarged: nothing that two networks could agree on.
    const int64_t area = std::accumulate(x.shape.begin() + 2, x.shape.end(), int64_t{1}, std::multiplies<>());
    switch (below(4)) {
      case 0:
        if (x.shape.back() == 1) return x;
        return emit(x.shape, cat("aten.layer_norm.default", affine({x.shape.back()}), " {normalized_shape=[",
                                 x.shape.back(), "]}"));
      case 1:
        if (channels % 4 == 0 && channels / 4 * area > 1)
          return emit(x.shape, cat("aten.group_norm.default", affine({channels}), " {num_groups=4}"));
        [[fallthrough]];
      case 2:
        if (area > 1) {
          return emit(x.shape,
                      cat("aten.instance_norm.default", affine({channels}),
                          " {running_mean=none, running_var=none, use_input_stats=true, momentum=0.1, eps=1e-05, "
                          "cudnn_enabled=false}"));
        }
        [[fallthrough]];
      default:
        return emit(x.shape, cat("aten.rms_norm.default(%", x.name, ", ", parameter(path, "weight", {x.shape.back()}),
                                 ") {normalized_shape=[", x.shape.back(), "], eps=1e-06}"));
    }
  }

  Value global_pool(const Value& x) {
    const size_t spatial = x.shape.size() - 2;
    Shape shape{x.shape[0], x.shape[1]};
    shape.insert(shape.end(), spatial, 1);
    if (spatial >= 2 && one_in(3)) {
      Shape dims;
      for (size_t i = 0; i < spatial; ++i) dims.push_back(static_cast<int64_t>(i) - static_cast<int64_t>(spatial));
      return emit(shape, cat("aten.mean.dim(%", x.name, ") {dim=", list(dims), ", keepdim=true}"));
    }
    if (one_in(3)) {
      Shape same(x.shape.begin() + 2, x.shape.end());  // to the size that it has
      return emit(x.shape, cat("nn.AdaptiveAvgPool", spatial, "d @", fresh("pool"), "(%", x.name,
                               ") {output_size=", list(same), "}"));
    }
    return emit(shape, cat("aten.adaptive_avg_pool", spatial, "d.default(%", x.name,
                           ") {output_size=", list(Shape(spatial, 1)), "}"));
  }

  Value pool(const Value& x) {
    const size_t spatial = x.shape.size() - 2;
    const auto all = [&](int64_t number) { return list(Shape(spatial, number)); };
    Shape shape{x.shape[0], x.shape[1]};
    for (size_t i = 2; i < x.shape.size(); ++i) shape.push_back((x.shape[i] + 2 - 3) / 2 + 1);
    const std::string window = cat(" {kernel_size=", all(3), ", stride=", all(2), ", padding=", all(1), "}");
    const uint64_t choice = below(spatial == 2 ? 4 : 3);
    if (choice == 3) {
      const std::string name = fresh("t");
      text_ += cat("  %", name, ": (", type_of(shape), ", i64", list(shape),
                   ") = aten.max_pool2d_with_indices.default(%", x.name, ")", window, "\n");
      return emit(shape, cat("get_item(%", name, ") {index=0}"));
    }
    if (choice == 2) {
      const std::string name = fresh("t");
      shape.assign({x.shape[0], x.shape[1]});
      shape.insert(shape.end(), spatial, 1);
      text_ += cat("  %", name, ": (", type_of(shape), ", i64", list(shape), ") = aten.adaptive_max_pool", spatial,
                   "d.default(%", x.name, ") {output_size=", all(1), "}\n");
      return emit(shape, cat("get_item(%", name, ") {index=0}"));
    }
    return emit(shape,
                cat(choice == 0 ? "aten.max_pool" : "aten.avg_pool", spatial, "d.default(%", x.name, ")", window));
  }

  Value resize(const Value& x) {
    const int64_t channels = x.shape[1];
    if (x.shape.size() == 4 && channels % 4 == 0 && one_in(2)) {
      if (one_in(2)) return unary("aten.channel_shuffle.default", x, "groups=4");
      return emit({x.shape[0], channels / 4, x.shape[2] * 2, x.shape[3] * 2},
                  cat("aten.pixel_shuffle.default(%", x.name, ") {upscale_factor=2}"));
    }
    if (x.shape.size() != 4) return x;
    const Shape shape{x.shape[0], channels, x.shape[2] * 2, x.shape[3] * 2};
    if (one_in(2))
      return emit(shape,
                  cat("aten.upsample_nearest2d.vec(%", x.name, ") {output_size=none, scale_factors=[2.0, 2.0]}"));
    return emit(shape, cat("aten.upsample_bilinear2d.vec(%", x.name, ") {output_size=none, align_corners=",
                           one_in(2) ? "true" : "false", ", scale_factors=[2.0, 2.0]}"));
  }

  Value identity(const Value& x) {
    static const std::vector<std::pair<const char*, const char*>> kNothing{
        {"aten.clone.default", ""},
        {"aten.contiguous.default", ""},
        {"aten.alias.default", ""},
        {"aten.dropout.default", "p=0.5, train=false"},
        {"aten.to.dtype", "dtype=f32"}};
    if (one_in(4)) return emit(x.shape, cat("aten.view.default(%", x.name, ") {size=", list(x.shape), "}"));
    const auto& [op, attrs] = any_of(kNothing);
    return unary(op, x, attrs);
  }

  void assertion(const Value& x) {
    const std::string size = fresh("n"), check = fresh("c"), name = fresh("a");
    text_ += cat("  %", size, ": int = aten.sym_size.int(%", x.name, ") {dim=0}\n  %", check, ": bool = sym.ge(%", size,
                 ", %", size, ") {a=$0, b=$1}\n  %", name, " = aten._assert_scalar.default(%", check,
                 ") {self=$0, assert_msg=\"too few\"}\n");
  }

  /// Two parts of a value along its channels, joined again.
  Value parts(const Value& x) {
    const int64_t half = x.shape[1] / 2;
    if (x.shape[1] % 2 != 0 || half == 0) return x;
    Shape shape = x.shape;
    shape[1] = half;
    const std::string name = fresh("t");
    text_ += cat("  %", name, ": (", type_of(shape), ", ", type_of(shape), ") = aten.chunk.default(%", x.name,
                 ") {chunks=2, dim=1}\n");
    const Value first = emit(shape, cat("get_item(%", name, ") {index=0}"));
    const Value second = activation(emit(shape, cat("get_item(%", name, ") {index=1}")));
    return emit(x.shape, cat("aten.cat.default(%", first.name, ", %", second.name, ") {dim=1}"));
  }

  /// A value of another type, or of several: nobody else reads it.
  std::string aside(const char* stem, const std::string& type, const std::string& call) {
    const std::string name = fresh(stem);
    text_ += cat("  %", name, ": ", type, " = ", call, "\n");
    return name;
  }

  /// The first of two results, the second a place for each.
  Value with_places(const char* op, const Value& x, const Shape& shape, const std::string& attrs) {
    const std::string type = cat("(", type_of(shape), ", i64", list(shape), ")");
    const std::string both = aside("t", type, cat(op, "(%", x.name, ") {", attrs, "}"));
    return emit(shape, cat("get_item(%", both, ") {index=0}"));
  }

  std::string mask(const Value& x) {
    const std::string type = "bool" + list(x.shape);
    const std::string above = aside("m", type, cat("aten.gt.Scalar(%", x.name, ") {other=-0.5}"));
    if (one_in(2)) return above;
    const std::string below_one = aside("m", type, cat("aten.lt.Scalar(%", x.name, ") {other=1.0}"));
    return aside("m", type, cat("aten.logical_and.default(%", above, ", %", below_one, ")"));
  }

  /// Along the channels, kept, beside the value itself.
  Value reduced(const Value& x) {
    static const std::vector<std::pair<const char*, const char*>> kReductions{
        {"aten.amax.default", "dim=[1]"},      {"aten.amin.default", "dim=[1]"},
        {"aten.mean.dim", "dim=[1]"},          {"aten.sum.dim_IntList", "dim=[1]"},
        {"aten.logsumexp.default", "dim=[1]"}, {"aten.linalg_vector_norm.default", "ord=2, dim=[1]"}};
    const auto& [op, attrs] = any_of(kReductions);
    Shape shape = x.shape;
    shape[1] = 1;
    const Value least = emit(shape, cat(op, "(%", x.name, ") {", attrs, ", keepdim=true}"));
    return emit(x.shape, cat("aten.sub.Tensor(%", x.name, ", %", least.name, ")"));
  }

  /// Operators that no pattern looks for, between those that some do.
  Value ordinary(const Value& x) {
    static const std::vector<std::pair<const char*, const char*>> kFunctions{
        {"aten.sin.default", ""},       {"aten.cos.default", ""},           {"aten.atan.default", ""},
        {"aten.asinh.default", ""},     {"aten.abs.default", ""},           {"aten.flip.default", "dims=[1]"},
        {"aten.softmax.int", "dim=1"},  {"aten.log_softmax.int", "dim=-1"}, {"aten.clamp.default", "min=-1, max=1"},
        {"aten.rsub.Scalar", "other=1"}};
    const int64_t channels = x.shape[1], rank = static_cast<int64_t>(x.shape.size());
    Shape other = x.shape;
    switch (below(9)) {
      case 0:
        return emit(x.shape,
                    cat("aten.where.self(%", mask(x), ", %", x.name, ", %", unary("aten.neg.default", x).name, ")"));
      case 1:
        return emit(x.shape, cat("aten.masked_fill.Scalar(%", x.name, ", %", mask(x), ") {value=0.25}"));
      case 2:
        return reduced(x);
      case 3:
        other[1] = channels / 2 + 1;
        return with_places("aten.topk.default", x, other, cat("k=", other[1], ", dim=1"));
      case 4:
        return with_places("aten.sort.default", x, x.shape, cat("dim=", rank - 1));
      case 5:
        return unary("aten.mul.Scalar", unary("aten.cumsum.default", x, "dim=1"), "other=0.25");
      case 6:
        other[1] = channels / 2 + 1;
        return emit(other, cat("aten.slice.Tensor(%", x.name, ") {dim=1, start=0, end=", other[1], "}"));
      case 7:
        other.back() += 3;
        return emit(other, cat("aten.constant_pad_nd.default(%", x.name, ") {pad=[1, 2], value=0.5}"));
      default: {
        const auto& [op, attrs] = any_of(kFunctions);
        return unary(op, x, attrs);
      }
    }
  }

  // ---- attention ---------------------------------------------------------------------------------
  Value view(const Value& x, const Shape& shape) {
    if (one_in(2)) return emit(shape, cat("aten.reshape.default(%", x.name, ") {shape=", list(shape), "}"));
    return emit(shape, cat("aten.view.default(%", x.name, ") {size=", list(shape), "}"));
  }

  Value turned(const Value& x, int64_t a, int64_t b) {
    Shape shape = x.shape;
    const auto rank = static_cast<int64_t>(shape.size());
    std::swap(shape[static_cast<size_t>(a)], shape[static_cast<size_t>(b)]);
    const int64_t dim0 = a - (one_in(2) ? rank : 0), dim1 = b - (one_in(2) ? rank : 0);
    if (one_in(3)) {
      Shape dims(shape.size());
      std::iota(dims.begin(), dims.end(), 0);
      std::swap(dims[static_cast<size_t>(a)], dims[static_cast<size_t>(b)]);
      return emit(shape, cat("aten.permute.default(%", x.name, ") {dims=", list(dims), "}"));
    }
    return emit(shape, cat("aten.transpose.int(%", x.name, ") {dim0=", dim0, ", dim1=", dim1, "}"));
  }

  /// The last two dimensions.
  Value transposed(const Value& x) {
    const auto rank = static_cast<int64_t>(x.shape.size());
    return turned(x, rank - 2, rank - 1);
  }

  Value permuted(const Value& x, const Shape& dims) {
    Shape shape;
    for (const int64_t dim : dims) shape.push_back(x.shape[static_cast<size_t>(dim)]);
    return emit(shape, cat("aten.permute.default(%", x.name, ") {dims=", list(dims), "}"));
  }

  Value scaled(const Value& x, double factor) {
    switch (below(3)) {
      case 0:
        return unary("aten.mul.Tensor", x, cat("other=", factor));
      case 1:
        return unary("aten.mul.Scalar", x, cat("other=", factor));
      default:
        return unary("aten.div.Tensor", x, cat("other=", 1 / factor));
    }
  }

  static bool has_few_tokens(const Value& x) {
    if (x.shape.size() == 3) return x.shape[1] <= 128;
    return x.shape.size() == 4 && x.shape[2] * x.shape[3] <= 128;
  }

  /// [samples, tokens, features]
  Value tokens_of(const Value& x) {
    if (x.shape.size() == 3) return x;
    return turned(view(x, {x.shape[0], x.shape[1], x.shape[2] * x.shape[3]}), 1, 2);
  }

  Value project(const Value& x, int64_t out) {
    const int64_t in = x.shape.back();
    Shape shape = x.shape;
    shape.back() = out;
    const std::string path = fresh("proj");
    switch (below(6)) {
      case 0: {  // x @ W, + b
        const Value product =
            emit(shape, cat("aten.matmul.default(%", x.name, ", ", parameter(path, "weight", {in, out}), ")"));
        if (one_in(3)) return product;
        return emit(shape, cat("aten.add.Tensor(%", product.name, ", ", parameter(path, "bias", {out}), ")"));
      }
      case 1: {  // tokens as rows
        if (x.shape.size() != 3) break;
        const Value rows = view(x, {x.shape[0] * x.shape[1], in});
        const std::string bias = parameter(path, "bias", {out}), weight = parameter(path, "weight", {in, out});
        return view(emit({rows.shape[0], out}, cat("aten.addmm.default(", bias, ", %", rows.name, ", ", weight, ")")),
                    shape);
      }
      case 2: {
        const std::string weight = quantized(parameter(path, "weight", {out, in}), {out, in});
        const std::string bias = one_in(2) ? "" : ", " + parameter(path, "bias", {out});
        return emit(shape, cat("aten.linear.default(%", x.name, ", ", weight, bias, ")"));
      }
      case 3: {  // tokens as rows, the bias on the tokens
        if (x.shape.size() != 3) break;
        const Value rows = view(x, {x.shape[0] * x.shape[1], in});
        const std::string bias = parameter(path, "bias", {out}), weight = parameter(path, "weight", {in, out});
        const Value product = emit({rows.shape[0], out}, cat("aten.mm.default(%", rows.name, ", ", weight, ")"));
        return emit(shape, cat("aten.add.Tensor(%", view(product, shape).name, ", ", bias, ")"));
      }
      default:
        break;
    }
    return emit(shape, cat("nn.Linear @", path, "(%", x.name, ") {in_features=", in, ", out_features=", out,
                           one_in(3) ? ", bias=none}" : "}"));
  }

  struct Heads {
    int64_t count, size;
  };

  /// [samples, tokens, count · size] → [samples, count, tokens, size]
  Value heads_of(const Value& x, Heads heads) {
    const Shape shape{x.shape[0], x.shape[1], heads.count, heads.size};
    if (one_in(3)) {
      return turned(
          emit(shape, cat("aten.unflatten.int(%", x.name, ") {dim=-1, sizes=[", heads.count, ", ", heads.size, "]}")),
          1, 2);
    }
    return turned(view(x, shape), 1, 2);
  }

  /// What a call that splits gives.
  std::vector<Value> items(const Shape& shape, size_t count, const std::string& call) {
    std::string type;
    for (size_t i = 0; i < count; ++i) type += cat(i ? ", " : "", type_of(shape));
    const std::string all = aside("t", cat("(", type, ")"), call);
    std::vector<Value> parts;
    for (size_t i = 0; i < count; ++i) parts.push_back(emit(shape, cat("get_item(%", all, ") {index=", i, "}")));
    return parts;
  }

  /// Along the first dimension, which goes.
  std::vector<Value> taken(const Value& x) {
    const Shape shape(x.shape.begin() + 1, x.shape.end());
    const auto count = static_cast<size_t>(x.shape[0]);
    if (one_in(2)) return items(shape, count, cat("aten.unbind.int(%", x.name, ")"));
    std::vector<Value> parts;
    for (size_t i = 0; i < count; ++i)
      parts.push_back(emit(shape, cat("aten.select.int(%", x.name, ") {dim=0, index=", i, "}")));
    return parts;
  }

  /// `count` operands of attention from one layer.
  std::vector<Value> packed(const Value& x, Heads heads, int64_t count) {
    const int64_t width = heads.count * heads.size;
    const Value all = project(x, count * width);
    const int64_t samples = x.shape[0], tokens = x.shape[1];
    switch (below(3)) {
      case 0:
        return taken(permuted(view(all, {samples, tokens, count, heads.count, heads.size}), {2, 0, 3, 1, 4}));
      case 1:  // of each head beside each other
        return taken(permuted(view(all, {samples, tokens, heads.count, count, heads.size}), {3, 0, 2, 1, 4}));
      default: {
        const std::string call = one_in(2) ? cat("aten.chunk.default(%", all.name, ") {chunks=", count, ", dim=-1}")
                                           : cat("aten.split.Tensor(%", all.name, ") {split_size=", width, ", dim=2}");
        std::vector<Value> parts = items({samples, tokens, width}, static_cast<size_t>(count), call);
        for (Value& part : parts) part = heads_of(part, heads);
        return parts;
      }
    }
  }

  std::vector<Value> attention_operands(const Value& x, const Value& memory, Heads heads) {
    const int64_t width = heads.count * heads.size;
    if (x.name == memory.name && one_in(2)) return packed(x, heads, 3);
    std::vector<Value> operands{heads_of(project(x, width), heads)};
    if (one_in(3)) {
      for (const Value& part : packed(memory, heads, 2)) operands.push_back(part);
    } else if (one_in(5)) {  // of one head, for all queries
      for (int i = 0; i < 2; ++i) operands.push_back(heads_of(project(memory, heads.size), {1, heads.size}));
    } else {
      for (int i = 0; i < 2; ++i) operands.push_back(heads_of(project(memory, width), heads));
    }
    return operands;
  }

  /// Of scores of this shape, broadcast along some of its dimensions.
  Shape mask_shape(const Shape& scores) {
    Shape shape = scores;
    for (size_t dim = 0; dim + 1 < shape.size(); ++dim) {
      if (one_in(2)) shape[dim] = 1;
    }
    while (shape.size() > 2 && shape[0] == 1 && one_in(2)) shape.erase(shape.begin());
    return shape;
  }

  /// True for about one place in nine.
  std::string hidden_keys(const Shape& shape) {
    const std::string name = fresh("mask");
    const std::string numbers = parameter(name, "numbers", shape), type = "bool" + list(shape);
    return "%" + aside("m", type, cat("aten.gt.Scalar(", numbers, ") {other=1.2}"));
  }

  Value masked(const Value& scores) {
    is_masked_ = true;
    const Shape shape = mask_shape(scores.shape);
    const char* const value = any_of<const char*>({"-1e+09", "-10000", "-3.4028234663852886e+38", "-1.5"});
    switch (below(4)) {
      case 0: {
        const std::string mask = hidden_keys(shape);
        return emit(scores.shape, cat("aten.masked_fill.Scalar(%", scores.name, ", ", mask, ") {value=", value, "}"));
      }
      case 1: {
        const std::string shown =
            aside("m", "bool" + list(shape), cat("aten.logical_not.default(", hidden_keys(shape), ")"));
        const std::string mask = aside("m", "bool" + list(shape), cat("aten.logical_not.default(%", shown, ")"));
        return emit(scores.shape, cat("aten.masked_fill.Scalar(%", scores.name, ", %", mask, ") {value=", value, "}"));
      }
      case 2: {
        const std::string mask = parameter(fresh("mask"), "numbers", shape);
        return emit(scores.shape, cat("aten.sub.Tensor(%", scores.name, ", ", mask, ")"));
      }
      default: {
        const std::string mask = parameter(fresh("mask"), "numbers", shape), name = "%" + scores.name;
        const bool swap = one_in(2);
        return emit(scores.shape, cat("aten.add.Tensor(", swap ? mask : name, ", ", swap ? name : mask, ")"));
      }
    }
  }

  Value softmax(const Value& x) {
    is_masked_ = false;
    if (one_in(4)) return unary("aten._softmax.default", x, "dim=-1, half_to_float=false");
    return unary("aten.softmax.int", x, one_in(2) ? "dim=-1" : cat("dim=", x.shape.size() - 1));
  }

  /// As core ATen has it: weights of queries that see nothing are 0.
  Value guarded_softmax(const Value& scores) {
    Shape one = scores.shape;
    one.back() = 1;
    const std::string mask = hidden_keys(mask_shape(scores.shape)), all = "bool" + list(scores.shape),
                      rows = "bool" + list(one);
    is_masked_ = true;
    const Value hidden =
        emit(scores.shape, cat("aten.masked_fill.Scalar(%", scores.name, ", ", mask, ") {value=-inf}"));
    is_masked_ = false;
    const std::string low = aside("g", all, cat("aten.eq.Scalar(%", hidden.name, ") {other=-inf}"));
    const std::string high = aside("g", all, cat("aten.logical_not.default(%", low, ")"));
    const std::string any = aside("g", rows, cat("aten.any.dim(%", high, ") {dim=-1, keepdim=true}"));
    const std::string blind = aside("g", rows, cat("aten.logical_not.default(%", any, ")"));
    const std::string weights = aside("w", type_of(scores.shape), cat("aten.softmax.int(%", hidden.name, ") {dim=-1}"));
    return emit(scores.shape, cat("aten.masked_fill.Scalar(%", weights, ", %", blind, ") {value=0.0}"));
  }

  Value product(const Value& a, const Value& b) {
    Shape shape = a.shape;
    shape.back() = b.shape.back();
    const bool batched = shape.size() == 3 && a.shape[0] == b.shape[0] && one_in(2);
    return emit(shape, cat(batched ? "aten.bmm" : "aten.matmul", ".default(%", a.name, ", %", b.name, ")"));
  }

  /// [..., queries, size] of operands of one rank.
  Value attended(const Value& q, const Value& k, const Value& v) {
    const Value keys = transposed(k);
    const double scale = any_of<double>({0.125, 0.25, 0.5});
    Value scores = product(q, keys);
    if (one_in(6)) {  // a scale for each matrix
      Shape shape(scores.shape.size(), 1);
      shape[0] = scores.shape[0];
      const std::string factor = parameter(fresh("scale"), "numbers", shape);
      scores = emit(scores.shape, cat("aten.mul.Tensor(%", scores.name, ", ", factor, ")"));
    }
    const bool late = one_in(4);
    if (!late) scores = scaled(scores, scale);
    while (one_in(3)) scores = masked(scores);
    if (late) scores = scaled(scores, scale);
    const Shape batch = scores.shape;
    const bool regroups = scores.shape.size() == 3 && scores.shape[0] % 2 == 0 && one_in(2);
    if (regroups) {
      scores = masked(view(scores, {2, batch[0] / 2, batch[1], batch[2]}));
      if (one_in(2)) scores = view(scores, batch);
    }
    Value weights = one_in(5) ? guarded_softmax(scores) : softmax(scores);
    if (weights.shape != batch) weights = view(weights, batch);
    if (one_in(4)) weights = unary("aten.dropout.default", weights, "p=0.1, train=false");
    const bool broadcasts = v.shape.size() == 4 && v.shape[1] != q.shape[1];
    if (broadcasts || !one_in(5)) return product(weights, v);
    return transposed(product(transposed(v), transposed(weights)));
  }

  Value attention(const Value& image) {
    if (!has_few_tokens(image)) return pool(image);
    const Value x = tokens_of(image);
    Value memory = x;
    if (one_in(3)) {
      const auto other = std::find_if(open_.begin(), open_.end(), [&](const Value& value) {
        return value.shape[0] == image.shape[0] && has_few_tokens(value);
      });
      if (other != open_.end()) memory = tokens_of(Value(*other));
    }
    Heads heads{any_of<int64_t>({1, 2, 3}), any_of<int64_t>({2, 4, 16})};
    const int64_t samples = x.shape[0], tokens = x.shape[1];
    if (one_in(5)) return behind_tokens(x, heads);
    std::vector<Value> parts = attention_operands(x, memory, heads);
    if (one_in(3)) parts[0] = scaled(parts[0], 0.5);
    const bool flat = parts[1].shape[1] == heads.count && one_in(3);
    if (flat) {
      for (Value& part : parts) part = view(part, {samples * heads.count, part.shape[2], heads.size});
    }
    if (!flat && one_in(4)) {  // values that are wider or narrower than keys
      heads.size = any_of<int64_t>({4, 16, 32});
      parts[2] = heads_of(project(memory, parts[2].shape[1] * heads.size), {parts[2].shape[1], heads.size});
    }
    const bool of_one = !flat && heads.count == 1 && one_in(2);  // attention of the first sample, for all
    if (of_one) {
      for (Value& part : parts) part = slice(part, 0, 0, 1);
    }
    Value y = attended(parts[0], parts[1], parts[2]);
    if (flat) y = view(y, {samples, heads.count, tokens, heads.size});
    const int64_t width = heads.count * heads.size;
    if (of_one) {
      const Shape all{samples, 1, tokens, width};
      y = emit(all, cat("aten.expand.default(%", y.name, ") {size=", list(all), "}"));
    }
    return project(view(turned(y, 1, 2), {samples, tokens, width}), any_of<int64_t>({4, 8}));
  }

  /// The same on [tokens, samples, features].
  Value behind_tokens(const Value& x, Heads heads) {
    const Value rows = turned(x, 0, 1);
    const int64_t tokens = rows.shape[0], samples = rows.shape[1], width = heads.count * heads.size;
    std::vector<Value> parts;
    for (int i = 0; i < 3; ++i)
      parts.push_back(turned(view(project(rows, width), {tokens, samples * heads.count, heads.size}), 0, 1));
    const Value y = view(turned(attended(parts[0], parts[1], parts[2]), 0, 1), {tokens, samples, width});
    return turned(project(y, 8), 0, 1);
  }

  Value slice(const Value& x, int64_t dim, int64_t start, int64_t end) {
    Shape shape = x.shape;
    shape[static_cast<size_t>(dim)] = end - start;
    return emit(shape, cat("aten.slice.Tensor(%", x.name, ") {dim=", dim, ", start=", start, ", end=", end, "}"));
  }

  /// The end of a dimension in front of its beginning.
  Value rotated(const Value& x, int64_t dim, int64_t shift) {
    const Value back = slice(x, dim, shift, x.shape[static_cast<size_t>(dim)]);
    const Value front = slice(x, dim, 0, shift);
    return emit(x.shape, cat("aten.cat.default(%", back.name, ", %", front.name, ") {dim=", dim, "}"));
  }

  /// Attention over windows of a map, which may be turned, with a bias of positions.
  Value windowed_attention(const Value& image) {
    constexpr int64_t kSide = 2, kTokens = kSide * kSide;
    if (image.shape.size() != 4 || image.shape[2] % kSide != 0 || image.shape[3] % kSide != 0) return attention(image);
    const int64_t samples = image.shape[0], rows = image.shape[2], columns = image.shape[3];
    if (samples * rows * columns > 512) return pool(image);
    const Heads heads{any_of<int64_t>({1, 2}), any_of<int64_t>({2, 4})};
    const int64_t width = heads.count * heads.size, all = samples * rows * columns / kTokens;
    Value map = permuted(image, {0, 2, 3, 1});
    const bool turns = rows > 1 && columns > 1 && one_in(2);
    if (turns) map = rotated(rotated(map, 1, 1), 2, 1);
    const int64_t features = map.shape[3];
    Value x = view(map, {samples, rows / kSide, kSide, columns / kSide, kSide, features});
    x = view(permuted(x, {0, 1, 3, 2, 4, 5}), {all, kTokens, features});
    const std::vector<Value> parts = packed(x, heads, 3);
    Value scores = scaled(product(parts[0], transposed(parts[1])), 0.25);
    const std::string bias = parameter(fresh("bias"), "numbers", {1, heads.count, kTokens, kTokens});
    scores = emit(scores.shape, cat("aten.add.Tensor(%", scores.name, ", ", bias, ")"));
    const Value y = turned(product(softmax(scores), parts[2]), 1, 2);
    x = project(view(y, {all, kTokens, width}), width);
    x = view(x, {samples, rows / kSide, columns / kSide, kSide, kSide, width});
    map = view(permuted(x, {0, 1, 3, 2, 4, 5}), {samples, rows, columns, width});
    if (turns) map = rotated(rotated(map, 1, rows - 1), 2, columns - 1);
    return permuted(map, {0, 3, 1, 2});
  }

  Value spelled_out_rms_norm(const Value& x) {
    if (x.shape.back() == 1) return x;
    Shape one = x.shape;
    one.back() = 1;
    const Value squares =
        one_in(2) ? unary("aten.pow.Tensor_Scalar", x, "exponent=2") : binary("aten.mul.Tensor", x, x);
    const Value mean = emit(one, cat("aten.mean.dim(%", squares.name, ") {dim=[-1], keepdim=true}"));
    const Value root = unary("aten.rsqrt.default", unary("aten.add.Tensor", mean, "other=1e-05"));
    const Value norm = binary("aten.mul.Tensor", x, root);
    if (one_in(3)) return norm;
    const std::string weight = parameter(fresh("norm"), "weight", {x.shape.back()});
    return emit(x.shape, cat("aten.mul.Tensor(", weight, ", %", norm.name, ")"));
  }

  Value stub(const Value& x) {
    return unary("aten.fake_quantize_per_tensor_affine.default", x,
                 "scale=0.0625, zero_point=0, quant_min=-128, quant_max=127");
  }

  void motif() {
    Value x = take();
    const bool image = x.shape.size() >= 3;
    if (!image) {
      x = one_in(3) ? norm(x) : linear(x);
      if (one_in(2)) x = activation(x);
      open_.push_back(x);
      return;
    }
    switch (below(19)) {
      case 18:
        x = windowed_attention(x);
        break;
      case 15:
      case 16:
        x = attention(x);
        break;
      case 17:
        x = spelled_out_rms_norm(x);
        break;
      case 0:
      case 1:
        x = activation(conv_bn(x, random_conv(x)));
        break;
      case 2:
        x = conv_bn(x, random_conv(x));
        break;
      case 3: {  // a skip connection, also with a convolution on the way
        Value trunk = x, skip = x;
        if (one_in(2)) trunk = activation(conv_bn(trunk, kKeeps(x.shape[1])));
        if (one_in(3)) skip = conv_bn(skip, kKeeps(x.shape[1]));
        x = binary("aten.add.Tensor", conv_bn(trunk, kKeeps(x.shape[1])), skip);
        if (one_in(2)) x = activation(x);
        break;
      }
      case 4:
        x = binary("aten.add.Tensor", activation(x), x);
        break;
      case 5:
        x = pool(x);
        break;
      case 6: {  // a classifier
        x = global_pool(x);
        Shape flat{x.shape[0], 1};
        for (size_t i = 1; i < x.shape.size(); ++i) flat[1] *= x.shape[i];
        x = one_in(2) ? emit(flat, cat("aten.flatten.using_ints(%", x.name, ") {start_dim=1}"))
                      : emit(flat, cat("aten.view.default(%", x.name, ") {size=[", x.shape[0], ", -1]}"));
        if (one_in(2)) x = unary("aten.dropout.default", x, "p=0.5, train=false");
        x = linear(x);
        break;
      }
      case 7:
        x = norm(x);
        break;
      case 8:
        x = resize(x);
        break;
      case 9:
        x = identity(x);
        break;
      case 10:
        x = parts(x);
        break;
      case 11:  // the stem
        if (x.shape.size() == 4 && x.shape[1] == 3 && x.shape[2] > 2) {
          x = conv_bn(x, {8, 7, 2, 3, 1, 1});
          x = emit({x.shape[0], 8, (x.shape[2] - 1) / 2 + 1, (x.shape[3] - 1) / 2 + 1},
                   cat("aten.max_pool2d.default(%", activation(x).name,
                       ") {kernel_size=[3, 3], stride=[2, 2], padding=[1, 1]}"));
        } else {
          x = stub(x);
        }
        break;
      case 12:
        x = ordinary(x);
        break;
      case 13: {
        const std::string path = fresh("up");
        if (x.shape.size() != 4) break;
        x = emit({x.shape[0], 4, 2 * x.shape[2], 2 * x.shape[3]},
                 cat("aten.conv_transpose2d.input(%", x.name, ", ", parameter(path, "weight", {x.shape[1], 4, 2, 2}),
                     ", ", parameter(path, "bias", {4}), ") {stride=[2, 2]}"));
        x = batch_norm(x);
        break;
      }
      default:
        assertion(x);
        if (x.shape.size() == 4) {  // other dimensions: rows become a line of their own
          x = emit({x.shape[0], x.shape[1], x.shape[2] * x.shape[3]},
                   cat("aten.flatten.using_ints(%", x.name, ") {start_dim=2}"));
        }
        break;
    }
    // Nothing grows without end.
    int64_t size = 1;
    for (const int64_t extent : x.shape) size *= extent;
    if (size > 20000 && x.shape.size() >= 3) x = pool(x);
    open_.push_back(x);
  }

  std::mt19937_64 random_;
  std::string text_;
  std::vector<Value> open_;
  size_t next_ = 0;
  bool is_masked_ = false;  // values hold numbers that none but a softmax can take
};

}  // namespace

std::string random_network(uint64_t seed, size_t motifs) { return Writer(seed).write(motifs); }

}  // namespace graftwork::core::testing
