// Bodies: read, printed, verified, compared, resolved, shared and inferred.
#include "graftwork/ir/body.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/ir/isomorphism.h"
#include "graftwork/ir/text/kernel_text.h"
#include "graftwork/ir/text/lexer.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"

namespace graftwork::core {
namespace {

constexpr const char* kSplitMlp =
    "kernel SplitMlp(%x, %gate) {\n"
    "  %up = @up(%x)\n"
    "  %norm = @norm(%up)?\n"
    "  %hidden = @act(%norm)*\n"
    "  %scaled = aten.mul.Tensor(%hidden) {other=$factor}\n"
    "  %down = @down(%scaled)\n"
    "  %sum = aten.add.Tensor(%down, %gate)\n"
    "  return %sum, inner=%hidden\n"
    "  quantize %x, %scaled\n"
    "  can_quantize %gate, %down\n"
    "}\n";

Kind kernel(const std::string& text) {
  Lexer lexer(text, "k.gpat");
  lexer.take();  // "kernel"
  return read_kernel(lexer, Family::kFused);
}

std::string error_of(const std::string& text) {
  try {
    kernel(text);
    return "none";
  } catch (const Error& error) {
    return error.report();
  }
}

/// A network that calls the kernel with these parts.
std::string network(const std::string& parts, const std::string& attrs = "{factor=2}") {
  return std::string(kSplitMlp) + "graph(%x: f32[2, 8], %g: f32[2, 8]) {\n  %y = SplitMlp @SplitMlp_0(%x, %g) " +
         attrs + " [" + parts +
         "]\n  %y_sum = get_item(%y) {index=0}\n  %y_inner = get_item(%y) {index=1}\n  return %y_sum, %y_inner\n}\n";
}

std::string cat_parts(std::initializer_list<std::string> parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

constexpr const char* kUp = "up=nn.Linear @up {in_features=8, out_features=4}";
constexpr const char* kDown = "down=nn.Linear @down {in_features=4, out_features=8}";

TEST(Body, PrintsAsItIsRead) {
  const Kind kind = kernel(kSplitMlp);
  EXPECT_EQ(print_kernel(kind), kSplitMlp);
  EXPECT_NO_THROW(verify(*kind.body));
  EXPECT_EQ(kind.inputs_to_quantize, std::vector<int64_t>{0});
  EXPECT_EQ(kind.values_to_quantize, std::vector<Symbol>{"scaled"});
  EXPECT_EQ(kind.quantizable_values, (std::vector<Symbol>{"gate", "down"}));
  EXPECT_TRUE(kind.may_quantize(1));
  EXPECT_FALSE(kind.may_quantize(0));
  EXPECT_EQ(kind.min_inputs, 2u);
  EXPECT_NE(kind.attr("factor"), nullptr) << "operators may refer to attributes of the module";
  EXPECT_EQ(roles_of(*kind.body), (std::vector<Symbol>{"up", "norm", "act", "down"}));
}

TEST(Body, IsComparedLikeAnyGraph) {
  const Kind one = kernel(kSplitMlp);
  std::string other = kSplitMlp;
  EXPECT_TRUE(same_definition(one, kernel(other)));
  other.replace(other.find("@down"), 5, "@last");
  EXPECT_FALSE(same_definition(one, kernel(other)));
  EXPECT_NE(difference(*one.body, *kernel(other).body), std::nullopt);
}

TEST(Body, RefusesWhatItCannotBe) {
  EXPECT_NE(
      error_of("kernel K(%x) {\n  %y = @a(%z)\n  return %y\n}").find("%z is not defined above\n  at  k.gpat:2:11"),
      std::string::npos);
  EXPECT_NE(error_of("kernel K(%x) {\n  %x = @a(%x)\n  return %x\n}").find("%x is defined twice"), std::string::npos);
  EXPECT_NE(error_of("kernel K(%x) {\n  %y = nn.ReLU(%x)\n  return %y\n}").find("by the role of a part"),
            std::string::npos);
  EXPECT_NE(
      error_of("kernel K(%x) {\n  %y = @a(%x)\n  return %y\n  quantize %y\n}").find("nothing in the body reads %y"),
      std::string::npos);
  EXPECT_NE(error_of("kernel K(%x, %z) {\n  %y = @a(%x, %z)*\n  return %y\n}").find("other than one input"),
            std::string::npos);
  EXPECT_NE(error_of("kernel K(%x) {\n  %y = aten.neg.default(%x) {a=$1}\n  return %y\n}").find("no input 1"),
            std::string::npos);
}

TEST(Body, IsResolvedForThePartsThatThereAre) {
  const std::string norm = "norm=nn.BatchNorm1d @n {num_features=4}";
  const std::string acts = "act_0=nn.ReLU @r, act_1=nn.Sigmoid @s";
  const GraphModule module = parse(network(cat_parts({kUp, norm, acts, kDown})));
  const ModuleRecord& record = module.modules()[module.modules().find("SplitMlp_0")];
  ASSERT_NE(record.body, nullptr);
  std::vector<std::string> ops;
  for (const Node& node : record.body->module.graph().nodes()) {
    if (node.kind() == NodeKind::kCallPart) ops.push_back(node.op().str());
  }
  EXPECT_EQ(ops, (std::vector<std::string>{"nn.Linear", "nn.BatchNorm1d", "nn.ReLU", "nn.Sigmoid", "nn.Linear"}));
  ASSERT_EQ(record.body->layers.size(), 2u);
  EXPECT_EQ(record.body->layers[0].role, Symbol("up"));
  ASSERT_NE(record.body->layers[0].batch_norm, nullptr) << "all that reads the layer is a batch norm";
  EXPECT_EQ(record.body->layers[0].batch_norm->role(), Symbol("norm"));
  EXPECT_EQ(record.body->layers[1].batch_norm, nullptr);
  EXPECT_EQ(record.body->layers[1].weight_quantizer, Symbol("down_weight_fake_quant"));
}

TEST(Body, LacksPartsThatMayBeAbsentAndNoOthers) {
  const GraphModule module = parse(network(cat_parts({kUp, kDown})));
  verify(module);
  EXPECT_EQ(module.graph().output()->input(0).type().text(), "f32[2, 8]");
  EXPECT_EQ(module.graph().output()->input(1).type().text(), "f32[2, 4]");
  EXPECT_FALSE(difference(parse(print(module)), module));
  EXPECT_EQ(print(parse(print(module))), print(module));
  try {
    parse(network(kUp));
    FAIL() << "it was accepted";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("SplitMlp needs the part down"), std::string::npos) << error.report();
  }
}

constexpr const char* kMasked =
    "converted Mask(%scores, %mask) {\n"
    "  %masked = aten.add.Tensor(%scores, %mask)\n"
    "  return %masked\n"
    "}\n"
    "kernel Masked(%x, %mask, %gate) {\n"
    "  %up = @up(%x)\n"
    "  %masked = @mask(%up, %mask)?\n"
    "  %gated = @gate(%masked, %gate)?\n"
    "  return %gated\n"
    "  can_quantize %x, %masked\n"
    "}\n";

/// A network whose inputs and parts are these.
std::string masked_network(const std::string& inputs, const std::string& parts) {
  return std::string(kMasked) + "graph(%x: f32[2, 8], %m: f32[2, 1], %g: f32[2, 4]) {\n  %y = Masked @Masked_0(" +
         inputs + ") [up=nn.Linear @up {in_features=8, out_features=4}" + parts + "]\n  return %y\n}\n";
}

constexpr const char* kMask = ", mask=Mask @mask";
constexpr const char* kGate = ", gate=Mask @gate";

TEST(Body, HasInputsThatOnlyOptionalPartsRead) {
  const std::string text = kMasked;
  const Kind kind = kernel(text.substr(text.find("kernel")));
  EXPECT_EQ(kind.min_inputs, 1u);
  EXPECT_EQ(kind.max_inputs, 3u);
  const std::vector<Node*> inputs = kind.body->graph().inputs();
  EXPECT_FALSE(is_optional_input(*inputs[0])) << "an absent part passes its first input on";
  EXPECT_TRUE(is_optional_input(*inputs[1]));
  EXPECT_TRUE(is_optional_input(*inputs[2]));
  EXPECT_EQ(print_kernel(kind), text.substr(text.find("kernel")));
  // An input is needed as soon as one reader is.
  const Kind both = kernel("kernel K(%x, %z) {\n  %a = @a(%x, %z)?\n  %b = @b(%a, %z)\n  return %b\n}");
  EXPECT_EQ(both.min_inputs, 2u);
  const Kind operand = kernel("kernel K(%x, %z) {\n  %a = @a(%x, %z)?\n  %b = aten.add.Tensor(%a, %z)\n  return %b\n}");
  EXPECT_EQ(operand.min_inputs, 2u);
  const Kind first = kernel("kernel K(%x, %z) {\n  %a = @a(%x, %z)?\n  %b = @b(%z, %a)?\n  return %b\n}");
  EXPECT_EQ(first.min_inputs, 2u);
}

TEST(Body, RefusesAnOptionalInputInFrontOfANeededOne) {
  const std::string error =
      error_of("kernel K(%x, %mask, %z) {\n  %a = @a(%x, %mask)?\n  %b = aten.add.Tensor(%a, %z)\n  return %b\n}");
  EXPECT_NE(error.find("the input %z stands behind %mask, which may be absent"), std::string::npos) << error;
}

TEST(Body, TakesTheInputsOfThePartsThatThereAre) {
  struct Form {
    const char* inputs;
    std::string parts;
    std::vector<std::string> names;
    size_t calls;
  };
  for (const Form& form :
       {Form{"%x", "", {"x"}, 1}, Form{"%x, %m", kMask, {"x", "mask"}, 2}, Form{"%x, %g", kGate, {"x", "gate"}, 2},
        Form{"%x, %m, %g", std::string(kMask) + kGate, {"x", "mask", "gate"}, 3}}) {
    SCOPED_TRACE(form.parts);
    const GraphModule module = parse(masked_network(form.inputs, form.parts));
    verify(module);
    const ModuleRecord& record = module.modules()[module.modules().find("Masked_0")];
    ASSERT_NE(record.body, nullptr);
    std::vector<std::string> names;
    for (const Node* input : record.body->inputs) names.push_back(input->name().str());
    EXPECT_EQ(names, form.names);
    size_t calls = 0;
    for (const Node& node : record.body->module.graph().nodes()) calls += node.kind() == NodeKind::kCallPart ? 1 : 0;
    EXPECT_EQ(calls, form.calls);
    EXPECT_EQ(value_of(module, "y")->type().text(), "f32[2, 4]");
    EXPECT_EQ(print(parse(print(module))), print(module));
    EXPECT_FALSE(difference(parse(print(module)), module));
    EXPECT_EQ(print(module.clone()), print(module));
  }
}

TEST(Body, RefusesOtherInputsThanItsPartsRead) {
  const auto error_of_network = [](const std::string& text) -> std::string {
    try {
      parse(text);
      return "none";
    } catch (const Error& error) {
      return error.report();
    }
  };
  EXPECT_NE(error_of_network(masked_network("%x, %m", "")).find("Masked takes 1 input, not 2"), std::string::npos);
  EXPECT_NE(error_of_network(masked_network("%x", kMask)).find("Masked takes 2 inputs, not 1"), std::string::npos);
  EXPECT_NE(error_of_network(masked_network("%x, %m, %g", kGate)).find("Masked takes 2 inputs, not 3"),
            std::string::npos);
  EXPECT_NE(error_of_network(masked_network("%x, %m, %g, %g", std::string(kMask) + kGate)).find("not 4"),
            std::string::npos);
}

TEST(Body, IsOneForAllModulesWithTheSameParts) {
  std::string text = std::string(kSplitMlp) + "graph(%x: f32[2, 8], %g: f32[2, 8]) {\n";
  std::string value = "%x";
  for (int i = 0; i < 10; ++i) {
    const std::string n = std::to_string(i);
    const std::string act = i % 2 ? "act_0=nn.ReLU @r" + n + ", " : "";
    text += "  %y" + n + " = SplitMlp @m" + n + "(" + value + ", %g) {factor=2} [up=nn.Linear @up" + n +
            " {in_features=8, out_features=4}, " + act + "down=nn.Linear @down" + n +
            " {in_features=4, out_features=8}, up_weight_fake_quant=WeightFakeQuantize @q" + n + "]\n  %s" + n +
            " = get_item(%y" + n + ") {index=0}\n";
    value = "%s" + n;
  }
  const GraphModule module = parse(text + "  return " + value + "\n}\n");
  EXPECT_EQ(module.modules().body_count(), 2u) << "with the activation and without; quantizers make no difference";
  EXPECT_EQ(module.clone().modules().body_count(), 2u);
}

TEST(Body, CarriesTheAttributesOfItsModule) {
  const GraphModule module = parse(network(cat_parts({kUp, kDown}), "{factor=3}"));
  const ModuleRecord& record = module.modules()[module.modules().find("SplitMlp_0")];
  const BodyInstance typed(module.modules(), *value_of(module, "y"));
  const Node& scaled = typed.at(*value_of(record.body->module, "scaled"));
  EXPECT_EQ(*scaled.attrs().find("other"), Attribute(3));
  EXPECT_EQ(scaled.name(), Symbol("up.mul")) << "operators are named after the first part";
  EXPECT_EQ(scaled.type().text(), "f32[2, 4]");
}

TEST(Body, IsRefusedWhereSharedPartsMakeItHuge) {
  std::string text = "kernel Twice(%x) {\n  %a = @p(%x)\n  %b = @q(%a)\n  return %b\n}\ngraph(%x: f32[2]) {\n";
  std::string part = "nn.ReLU @m0";
  for (int i = 1; i <= 40; ++i) {
    const std::string inner = part.substr(0, part.find(' ', part.find('@')));
    part = "Twice @m" + std::to_string(i) + " [p=" + part + ", q=" + inner + "]";
  }
  try {
    parse(text + "  %y = " + part.substr(0, 5) + " @m40(%x)" + part.substr(part.find(" [")) + "\n  return %y\n}\n");
    FAIL() << "2^40 modules are a few lines of text";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("runs more than 4096 modules and operators"), std::string::npos) << error.report();
  }
}

TEST(KindTable, TakesOneDefinitionOfANameOnly) {
  const std::shared_ptr<const KindTable> once = KindTable::torch()->with({kernel(kSplitMlp)});
  EXPECT_NO_THROW(once->with({kernel(kSplitMlp)})) << "the same again";
  EXPECT_THROW(once->with({kernel("kernel SplitMlp(%x) {\n  %y = @a(%x)\n  return %y\n}")}), Error);
  EXPECT_TRUE(once->includes(*KindTable::torch()));
  EXPECT_FALSE(KindTable::torch()->includes(*once));
}

}  // namespace
}  // namespace graftwork::core
