// What a run takes, from shapes alone.
#include "graftwork/ir/peak_memory.h"

#include <gtest/gtest.h>

#include <limits>

#include "graftwork/base/error.h"
#include "graftwork/ir/dim_value.h"
#include "graftwork/ir/text/parse.h"

namespace graftwork::core {
namespace {

constexpr int64_t kRow = 4 * 1000;  // bytes of f32[1000]

GraphModule graph(const std::string& inputs, const std::string& body, const std::string& results) {
  return parse("graph(" + inputs + ") {\n" + body + "  return " + results + "\n}\n", "test");
}

PeakMemory peak(const std::string& body, const std::string& results) {
  const GraphModule module = graph("%x: f32[1000]", body, results);
  const TensorType row{DType::kF32, {Dim(1000)}};
  PeakMemory found = peak_memory(module, std::span(&row, 1));
  found.node = nullptr;  // of a graph that is gone
  return found;
}

TEST(PeakMemory, IsThatOfTheValuesThatLiveAtOnce) {
  EXPECT_EQ(peak("  %a = aten.relu.default(%x)\n", "%a").bytes, kRow);
  const std::string chain = "  %a = aten.relu.default(%x)\n  %b = aten.neg.default(%a)\n  %c = aten.neg.default(%b)\n";
  EXPECT_EQ(peak(chain, "%c").bytes, 2 * kRow);
  EXPECT_EQ(peak(chain, "%c, %a").bytes, 3 * kRow);
  EXPECT_EQ(peak(chain + "  %d = aten.add.Tensor(%a, %c)\n", "%d").bytes, 3 * kRow);
}

TEST(PeakMemory, ViewsAreNoValuesOfTheirOwn) {
  const std::string view =
      "  %a = aten.relu.default(%x)\n  %b = aten.view.default(%a) {size=[10, 100]}\n"
      "  %c = aten.expand.default(%b) {size=[1000000, 10, 100]}\n  %d = aten.neg.default(%x)\n";
  EXPECT_EQ(peak(view, "%d").bytes, kRow) << "what nobody reads behind it is gone";
  EXPECT_EQ(peak(view + "  %e = aten.neg.default(%b)\n", "%e").bytes, 2 * kRow) << "a view keeps what it shows";
}

TEST(PeakMemory, ReadsSymbolsFromTheInputs) {
  const GraphModule module =
      graph("%x: f32[N, 2*M+1]", "  %y: f32[((N)*(M)), Max(3, M)] = aten.unheard_of.default(%x)\n", "%y");
  const TensorType given{DType::kF32, {Dim(7), Dim(21)}};
  const PeakMemory found = peak_memory(module, std::span(&given, 1));
  EXPECT_EQ(found.bytes, 4 * 70 * 10);
  ASSERT_NE(found.node, nullptr);
  EXPECT_EQ(found.node->name(), Symbol("y"));
  EXPECT_EQ(found.type.text(), "f32[70, 10]");
  try {
    refuse_beyond(found, found.bytes, 1000, "running it");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "memory.limit");
    EXPECT_EQ(error.message(), "running it takes about 2.8 kB of memory at %y, which is f32[70, 10]; there are 1.0 kB");
  }
  EXPECT_NO_THROW(refuse_beyond(found, found.bytes, found.bytes, "running it"));
}

TEST(PeakMemory, CountsWhatAConvolutionAndAKernelsPartsTake) {
  const GraphModule module = graph(
      "%x: f32[1, 1, 10, 10]", "  %c = nn.Conv2d @c(%x) {in_channels=1, out_channels=4, kernel_size=[1, 1]}\n", "%c");
  const TensorType given{DType::kF32, {Dim(1), Dim(1), Dim(10), Dim(10)}};
  EXPECT_EQ(peak_memory(module, std::span(&given, 1)).bytes, 4 * (400 + 400));
  EXPECT_EQ(parameter_bytes(module), 4 * (4 + 4));
}

TEST(PeakMemory, HasAnEnd) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(bytes_of({DType::kF64, {Dim(most), Dim(most)}}), most);
  EXPECT_EQ(bytes_of({DType::kF64, {Dim(most), Dim(0)}}), 0);
  EXPECT_EQ(bytes_of({DType::kF64, {Dim::symbol("N")}}), 0);
  const std::string huge =
      "  %a: f32[4611686018427387904, 8] = aten.unheard_of.default(%x)\n"
      "  %b: f32[4611686018427387904, 8] = aten.unheard_of.default(%a)\n";
  EXPECT_EQ(peak(huge, "%a, %b").bytes, most);
}

TEST(DimValue, IsComputedFromText) {
  const SymbolValues values{{"a", 7}, {"b", 2}};
  const auto value = [&](const std::string& text) { return value_of(Dim::symbol(text), values); };
  EXPECT_EQ(value("floor((a+1)/2)"), 4);
  EXPECT_EQ(value("(a+2*b)"), 11);
  EXPECT_EQ(value("((a)*(floor((b)/4)))"), 0);
  EXPECT_EQ(value("Mod(a, 4)"), 3);
  EXPECT_EQ(value("Max(1, a, b)"), 7);
  EXPECT_EQ(value("(a//b)"), 3);
  EXPECT_EQ(value("(b**3)"), 8);
  EXPECT_EQ(value_of(Dim::symbol("a") * Dim(3) - 1, values), 20);
  for (const char* unknown : {"c", "f(a)", "(a", "(a/b)", "(b-a)", "(a/0)", "Min(a, c)", "(a**99)"})
    EXPECT_EQ(value(unknown), std::nullopt) << unknown;
  EXPECT_EQ(value(std::string(1500, '(') + "a"), std::nullopt);
}

}  // namespace
}  // namespace graftwork::core
