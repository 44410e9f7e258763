// Cross-layer equalization: the function stays, and what meets at a channel is equally large on both sides.
#include "graftwork/quant/rescaling/cross_layer_equalization.h"

#include <gtest/gtest.h>

#include "graftwork/base/text.h"
#include "unit/quant/rescaled_network.h"

namespace graftwork::core::testing {
namespace {

std::string conv(const char* name, const char* input, int in, int out, const char* more = "") {
  return cat("  %", name, " = nn.Conv2d @", name, "(%", input, ") {in_channels=", in, ", out_channels=", out,
             ", kernel_size=[3, 3]", more, "}\n");
}

std::string network_with(const std::string& lines) { return cat("graph(%x: f32[1, 4, 9, 9]) {\n", lines, "}\n"); }

at::Tensor weight_of(const Network& network, Symbol path) {
  const ModuleTable& modules = network.module.modules();
  return evaluate(*modules[modules.find(path)].param("weight"), network.tensors);
}

const std::string kActivation = "  %r = nn.ReLU @r(%a)\n";

TEST(CrossLayerEqualization, MakesBothSidesEquallyLarge) {
  const Network network =
      transformed(network_with(conv("a", "x", 4, 8) + kActivation + conv("b", "r", 8, 4) + "  return %b\n"));
  network.tensors.at("a.weight").data()[3] *= 100;
  network.tensors.at("a.weight").data()[5] *= 0;
  Network equal = network.clone();
  const std::vector<EqualizedPair> pairs = equalize_layers(equal);
  ASSERT_EQ(pairs.size(), 2U);
  EXPECT_EQ(pairs[0].source, Symbol("a"));
  EXPECT_EQ(pairs[0].readers, std::vector<Symbol>{"b"});
  EXPECT_GT(pairs[0].largest, 5);
  EXPECT_EQ(pairs[1].refusal, "it is a result of the network");
  EXPECT_LT(function_moved(network, equal), 1e-5);
  const at::Tensor rows = weight_of(equal, "a").abs().amax(std::vector<int64_t>{1, 2, 3});
  const at::Tensor columns = weight_of(equal, "b").abs().amax(std::vector<int64_t>{0, 2, 3});
  for (int64_t i = 0; i < 8; ++i) {
    if (i == 5) {
      EXPECT_TRUE(at::equal(columns[i], weight_of(network, "b").select(1, i).abs().max())) << "a dead channel stays";
    } else {
      EXPECT_NEAR(rows[i].item<float>(), columns[i].item<float>(), 1e-3 * columns[i].item<float>()) << i;
    }
  }
}

TEST(CrossLayerEqualization, KeepsTheFunction) {
  const std::pair<const char*, std::string> cases[] = {
      {"batch norms in a chain", conv("a", "x", 4, 8) +
                                     "  %n = nn.BatchNorm2d @n(%a) {num_features=8}\n  %r = nn.ReLU @r(%n)\n" +
                                     conv("b", "r", 8, 8, ", groups=8") +
                                     "  %m = nn.BatchNorm2d @m(%b) {num_features=8, weight=none, bias=none}\n" +
                                     "  %s = nn.LeakyReLU @s(%m)\n" + conv("c", "s", 8, 4) + "  return %c\n"},
      {"two readers behind a pool", conv("a", "x", 4, 8) +
                                        "  %p = nn.PReLU @p(%a) {num_parameters=8}\n  %q = nn.MaxPool2d @q(%p) "
                                        "{kernel_size=[2, 2], stride=[2, 2]}\n" +
                                        conv("b", "q", 8, 4) + conv("c", "q", 8, 4, ", groups=2") +
                                        "  return %b, %c\n"},
      {"a map that is flattened", conv("a", "x", 4, 8) + kActivation + "  %f = nn.Flatten @f(%r)\n" +
                                      "  %b = nn.Linear @b(%f) {in_features=392, out_features=5}\n  return %b\n"},
      {"transposed convolutions of groups",
       "  %a = nn.ConvTranspose2d @a(%x) {in_channels=4, out_channels=8, kernel_size=[2, 2], groups=2}\n" +
           kActivation +
           "  %b = nn.ConvTranspose2d @b(%r) {in_channels=8, out_channels=4, kernel_size=[2, 2], groups=4}\n"
           "  return %b\n"},
  };
  for (const auto& [what, lines] : cases) {
    const Network network = transformed(network_with(lines));
    Network equal = network.clone();
    const std::vector<EqualizedPair> pairs = equalize_layers(equal);
    EXPECT_EQ(pairs.front().refusal, "") << what;
    EXPECT_GT(pairs.front().largest, pairs.front().smallest) << what;
    EXPECT_LT(function_moved(network, equal), 1e-5) << what;
  }
}

TEST(CrossLayerEqualization, SaysWhatIsInTheWay) {
  const std::pair<std::string, const char*> cases[] = {
      {conv("a", "x", 4, 4) + "  %r = nn.ReLU6 @r(%a)\n" + conv("b", "r", 4, 4) + "  return %b\n",
       "%fused_conv_bn_act_0 = nn.ReLU6 reads it, which is no layer"},
      {conv("a", "x", 4, 4) + conv("b", "a", 4, 4) + conv("c", "b", 4, 4) + "  return %c, %a\n",
       "it is a result of the network"},
      {conv("a", "x", 4, 4, ", padding=[1, 1]") + "  %s = aten.add.Tensor(%a, %x)\n" + conv("b", "s", 4, 4) +
           "  return %b\n",
       "%fused_conv_bn_add_0 = aten.add.Tensor reads it, which is no layer"},
  };
  for (const auto& [lines, reason] : cases) {
    const Network network = transformed(network_with(lines));
    Network equal = network.clone();
    const std::vector<EqualizedPair> pairs = equalize_layers(equal);
    ASSERT_FALSE(pairs.empty()) << reason;
    EXPECT_EQ(pairs.front().source, Symbol("a"));
    EXPECT_EQ(pairs.front().refusal, reason);
    EXPECT_LT(function_moved(network, equal), 1e-5);
  }
}

}  // namespace
}  // namespace graftwork::core::testing
