#include "graftwork/quant/loss/divergence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/ir/kinds/quant.h"
#include "graftwork/nn/executor.h"
#include "graftwork/nn/fake_quant.h"
#include "graftwork/nn/half.h"
#include "graftwork/nn/mask_values.h"

namespace graftwork::core {
namespace {

constexpr double kFloatRounding = 80;  // dB
constexpr double kInnerRounding = 30;  // dB

std::vector<ValueRef> float_values(const GraphModule& module) {
  std::vector<ValueRef> values;
  for (const Node& node : module.graph().nodes()) {
    const bool is_computed =
        node.kind() != NodeKind::kInput && node.kind() != NodeKind::kConstant && node.kind() != NodeKind::kOutput;
    if (is_computed && node.tensor() && is_floating(node.tensor()->dtype)) values.push_back({&node, {}});
  }
  return values;
}

Symbol module_of(const GraphModule& module, const Node& node) {
  return node.kind() == NodeKind::kCallModule ? module.record(node).path : node.origin().module_path;
}

/// Largest magnitude of the finite numbers.
double amax_of(const at::Tensor& value) {
  const at::Tensor finite = value.masked_select(at::isfinite(value));
  return finite.numel() == 0 ? 0 : finite.abs().max().to(at::kDouble).item<double>();
}

/// Judges a value of a file by what the network gives on the same operands.
class FileJudge {
 public:
  explicit FileJudge(const Network& network) : network_(network) {}

  std::optional<Divergence> judge(const Node& node, const at::Tensor& expected, const at::Tensor& in_file) const {
    Divergence found{node.name(), module_of(network_.module, node), {}, 0};
    if (in_file.numel() != expected.numel()) return found;
    const bool is_half = in_file.scalar_type() == at::kHalf;
    const at::Tensor given = in_file.reshape(expected.sizes()).to(at::kFloat);
    const double amax = amax_of(expected);
    const std::optional<Codes> codes = codes_of(node);
    const double step = codes ? codes->step_at(amax) : 0;
    if (codes) {  // another scale shows first in values between our codes
      found.difference.add(fake_quantize(given, codes->scale, 0, codes->range), given);
      found.allowed = amax * (is_half ? kHalfRoundoff * 2 : kFloatRoundoff * 16);
      if (found.difference.largest > found.allowed) return found;
    }
    found.difference = {};
    found.difference.add(expected, given);
    found.allowed = amax * (is_half ? kHalfRoundoff * 16 : 1e-4) + step;
    if (found.difference.largest <= found.allowed) return {};
    if (has_steps_inside(node) && found.difference.error.sqnr_db() >= kInnerRounding) return {};
    return found;
  }

 private:
  static constexpr double kHalfRoundoff = 0x1p-11, kFloatRoundoff = 0x1p-24;

  struct Codes {
    at::Tensor scale;  ///< 0-D.
    QuantRange range;

    /// Between the numbers that codes stand for, at this magnitude: E4M3 has eight to each power of two.
    double step_at(double magnitude) const {
      const auto unit = scale.item<double>();
      if (!range.is_e4m3 || magnitude == 0) return unit;
      return unit * std::exp2(std::floor(std::log2(std::min(magnitude / unit, range.max))) - 3);
    }
  };

  /// Those of a stub with Q/DQ.
  std::optional<Codes> codes_of(const Node& node) const {
    if (!is_quant_stub(node)) return {};
    const ModuleRecord& stub = network_.module.record(node);
    const at::Tensor scale = scale_of(stub, network_.tensors);
    if (!scale.defined()) return {};
    return Codes{scale.to(at::kFloat).max(), activation_range(*attribute_of(stub, "precision")->get<std::string>())};
  }

  bool has_steps_inside(const Node& node) const {
    if (node.kind() != NodeKind::kCallModule) return false;
    const ModuleRecord& record = network_.module.record(node);
    return record.body && !value_quantizers(record).empty();
  }

  const Network& network_;
};

}  // namespace

void Difference::add(const at::Tensor& reference, const at::Tensor& signal) {
  const at::Tensor wanted = reference.to(at::kFloat).contiguous(), found = signal.to(at::kFloat).contiguous();
  error.add(wanted, found);
  const float *x = wanted.const_data_ptr<float>(), *y = found.const_data_ptr<float>();
  for (int64_t i = 0; i < wanted.numel(); ++i) {  // tensors of what lies between would be many times the value
    if (!std::isfinite(x[i])) continue;
    const double distance = std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i]));
    largest = std::isfinite(y[i]) ? std::max(largest, distance) : std::numeric_limits<double>::infinity();
  }
}

void Difference::merge(const Difference& other) {
  error.merge(other.error);
  largest = std::max(largest, other.largest);
}

std::optional<Divergence> first_divergence(const Network& network, const Network& changed,
                                           const std::map<Symbol, Symbol>& twins, std::span<const at::Tensor> inputs,
                                           const std::function<bool()>& interrupted) {
  std::unordered_map<Symbol, const Node*> values;
  for (const ValueRef& value : float_values(network.module)) values.emplace(value.node->name(), value.node);
  std::vector<ValueRef> compared, references;
  std::unordered_map<Symbol, int> readers;
  const auto twin_of = [&](const Symbol name) {
    const auto twin = twins.find(name);
    return twin == twins.end() ? name : twin->second;
  };
  for (const ValueRef& value : float_values(changed.module)) {
    const auto reference = values.find(twin_of(value.node->name()));
    if (reference == values.end()) continue;
    compared.push_back(value);
    if (++readers[reference->first] == 1) references.push_back({reference->second, {}});
  }
  // Side by side: a value is kept no longer than until it was compared.
  std::unordered_map<Symbol, at::Tensor> expected;
  RunOptions keep;
  keep.any_batch = true;
  keep.interrupted = interrupted;
  keep.watcher = [&](const ValueRef& seen, at::Tensor& value) { expected[seen.node->name()] = value; };
  const Executor executor(network.module, references), changed_executor(changed.module, compared);
  Program::Run run = executor.start(network.tensors, inputs, keep);
  std::optional<Divergence> first;
  RunOptions compare;
  compare.any_batch = true;
  compare.interrupted = interrupted;
  compare.watcher = [&](const ValueRef& seen, at::Tensor& value) {
    const Symbol name = twin_of(seen.node->name());
    while (!expected.contains(name) && run.advance()) {
    }
    const auto reference = expected.find(name);
    if (first || reference == expected.end()) return;
    const at::Tensor wanted = reference->second;
    if (--readers[name] == 0) expected.erase(reference);
    if (wanted.sizes() != value.sizes()) return;
    Difference difference;
    difference.add(wanted, value);
    if (difference.error.sqnr_db() >= kFloatRounding) return;
    first = {seen.node->name(), module_of(changed.module, *seen.node), difference, 0};
  };
  Program::Run changed_run = changed_executor.start(changed.tensors, inputs, compare);
  while (!first && changed_run.advance()) {
  }
  return first;
}

std::optional<Divergence> first_divergence_of_file(const Network& quantized, bool in_half, const NamedTensors& file,
                                                   std::span<const at::Tensor> inputs,
                                                   const std::function<bool()>& interrupted) {
  std::optional<MaskValues> masks;
  std::optional<HalfRegions> half;
  if (in_half) half.emplace(HalfRegions{quantized.wide, masks.emplace(quantized)});
  const FileJudge judge(quantized);
  std::optional<Divergence> first;
  RunOptions how;
  how.any_batch = true;
  how.interrupted = interrupted;
  how.watcher = [&](const ValueRef& seen, at::Tensor& value) {
    const auto named = file.find(seen.node->name().str());
    if (first || named == file.end() || !named->second.is_floating_point()) return;
    first = judge.judge(*seen.node, value, named->second);
    if (!first) value = named->second.reshape(value.sizes()).to(value.scalar_type());
  };
  const Executor executor(quantized.module, float_values(quantized.module), half ? &*half : nullptr);
  executor.run(quantized.tensors, inputs, how);
  return first;
}

}  // namespace graftwork::core
