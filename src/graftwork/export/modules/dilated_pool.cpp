#include "graftwork/export/modules/dilated_pool.h"

#include <algorithm>
#include <limits>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

std::string padded(Lowering& lowering, const ModuleCall& call, const std::vector<int64_t>& behind, int64_t rank) {
  const std::vector<int64_t> front = call.integers("padding");
  const auto is_zero = [](int64_t width) { return width == 0; };
  if (std::all_of(front.begin(), front.end(), is_zero) && std::all_of(behind.begin(), behind.end(), is_zero))
    return call.inputs[0];
  std::vector<int64_t> pads(static_cast<size_t>(rank) - front.size(), 0);
  pads.insert(pads.end(), front.begin(), front.end());
  pads.resize(static_cast<size_t>(2 * rank) - behind.size(), 0);
  pads.insert(pads.end(), behind.begin(), behind.end());
  return lowering.add("Pad", call.path() + ".padded",
                      {call.inputs[0], lowering.integers(call.path() + ".pads", pads),
                       lowering.float_scalar(call.path() + ".lowest", -std::numeric_limits<double>::infinity())},
                      {{"mode", "constant"}});
}

struct Window {
  int64_t axis, kernel, stride, dilation;
};

/// Element k of every window: from k · dilation on, up to where the last window has it.
std::string element(Lowering& lowering, const std::string& name, const std::string& value, const Window& window,
                    int64_t k) {
  const int64_t left = (window.kernel - 1 - k) * window.dilation;
  return lowering.add(
      "Slice", name,
      {value, lowering.integers(name + "_start", {k * window.dilation}),
       lowering.integers(name + "_end", {left > 0 ? -left : std::numeric_limits<int64_t>::max()}),
       lowering.integers(name + "_axis", {window.axis}), lowering.integers(name + "_step", {window.stride})});
}

}  // namespace

std::string lower_dilated_max_pool(Lowering& lowering, const ModuleCall& call, const std::vector<int64_t>& behind) {
  if (!call.input_type.tensor())
    throw Error("export.pool", "it is dilated, and the shape of its input is not known", "a dilation of 1");
  const auto rank = static_cast<int64_t>(call.input_type.tensor()->rank());
  const std::vector<int64_t> kernel = call.integers("kernel_size");
  const std::vector<int64_t> stride = call.integers("stride");
  const std::vector<int64_t> dilation = call.integers("dilation");
  std::string value = padded(lowering, call, behind, rank);
  for (size_t i = 0; i < kernel.size(); ++i) {
    const auto axis = rank - static_cast<int64_t>(kernel.size() - i);
    const std::string name = cat(call.path(), ".axis_", axis);
    std::vector<std::string> elements;
    for (int64_t k = 0; k < kernel[i]; ++k)
      elements.push_back(element(lowering, cat(name, "_", k), value, {axis, kernel[i], stride[i], dilation[i]}, k));
    const bool is_last = i + 1 == kernel.size();
    value = lowering.add("Max", is_last ? call.path() : name, std::move(elements), {}, is_last ? call.output : "");
  }
  return value;
}

}  // namespace graftwork::core
