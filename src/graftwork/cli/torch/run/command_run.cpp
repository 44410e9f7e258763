#include "graftwork/cli/torch/run/command_run.h"

#include <map>
#include <optional>
#include <set>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/file_name.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/output/output.h"
#include "graftwork/cli/torch/run/run_inputs.h"
#include "graftwork/cli/torch/stages.h"
#include "graftwork/data/npz.h"
#include "graftwork/ir/body.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/executor.h"
#include "graftwork/nn/mask_values.h"
#include "graftwork/nn/run_memory.h"
#include "graftwork/samples/tensors.h"

namespace graftwork::core::cli {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

std::vector<std::filesystem::path> data_of(const RunRequest& request) {
  std::vector<std::filesystem::path> data;
  for (const InputFile& file : request.inputs) data.push_back(file.path);
  if (!request.calibration.data.empty()) data.push_back(request.calibration.data);
  return data;
}

Network network_at(Stage stage, const Network& loaded, const CalibrationFlags& flags, const InterruptGuard& interrupt) {
  if (stage == Stage::kFloat) return loaded.clone();
  const PlanFile plan = plan_of(flags.plan);
  TransformedNetwork transformed = transform_network(loaded, plan, patterns_of(flags.backend));
  if (stage == Stage::kTransformed) return std::move(transformed.network);
  return quantize_network(transformed.network, plan, flags, interrupt, false).network;
}

/// Keeps the values that were asked for, then puts overrides in their place. A value inside a module goes by the
/// module's path and its name there.
class Tap {
 public:
  Tap(const GraphModule& module, const RunRequest& request) {
    for (const Node& node : module.graph().nodes()) {
      if (node.kind() == NodeKind::kOutput) continue;
      named_.emplace(node.name().str(), Named{{&node, {}}});
      if (node.kind() == NodeKind::kCallModule && module.record(node).body) add_inner(module.record(node), node);
    }
    for (const std::string& name : request.values) {
      if (name != "all") {
        find(name, "--values").is_kept = true;
        continue;
      }
      for (auto& [unused, named] : named_) named.is_kept |= named.value.inner.empty();
    }
    if (!request.override_file.empty()) {
      const auto check = [&](const std::string& name, const NpyHeader& header) {
        check_override(name, find(name, "--override"), header);
      };
      for (const NamedArray& named : read_npz(request.override_file, check, request.calibration.memory_limit))
        find(named.name, "--override").other = to_tensor(named.array);
    }
  }

  std::vector<ValueRef> watched() const {
    std::vector<ValueRef> values;
    for (const auto& [name, named] : named_) {
      if (named.is_kept || named.other.defined()) values.push_back(named.value);
    }
    return values;
  }
  Tensors& values() { return values_; }

  bool keeps(const Node& node) const {
    const auto found = named_.find(node.name().str());
    return found != named_.end() && found->second.is_kept;
  }

  void see(const ValueRef& seen, at::Tensor& value) {
    for (const auto& [name, named] : named_) {
      if (!(named.value == seen)) continue;
      if (named.is_kept) values_[name] = value;
      if (!named.other.defined()) return;
      if (named.other.scalar_type() != value.scalar_type() || named.other.sizes() != value.sizes())
        refuse_override(name, type_of(value), type_of(named.other));
      value = named.other;
      return;
    }
  }

 private:
  struct Named {
    ValueRef value;
    bool is_kept = false;
    at::Tensor other = {};
  };

  /// What the graph knows of the value's extents; `see` asks the rest of the value itself, whose element type may be
  /// another than the graph's where what is quantized runs in FP16.
  static void check_override(const std::string& name, const Named& named, const NpyHeader& header) {
    const TensorType* type = named.value.inner.empty() ? named.value.node->tensor() : nullptr;
    if (!type) return;
    TensorType given{header.type, {header.shape.begin(), header.shape.end()}};
    bool fits = given.rank() == type->rank();
    for (size_t i = 0; fits && i < given.rank(); ++i)
      fits = !type->dims[i].is_static() || type->dims[i] == given.dims[i];
    if (!fits) refuse_override(name, *type, given);
  }

  [[noreturn]] static void refuse_override(const std::string& name, const TensorType& value, const TensorType& other) {
    throw Error("run.override", cat("%", name, " is ", value.text(), ", its override is ", other.text()));
  }

  void add_inner(const ModuleRecord& record, const Node& call) {
    for (const Node& node : record.body->module.graph().nodes()) {
      if (node.kind() == NodeKind::kInput || node.kind() == NodeKind::kOutput) continue;
      named_.emplace(inner_value_name(record.path, node.name()).str(), Named{{&call, node.name()}});
    }
  }

  Named& find(const std::string& name, const char* option) {
    const auto found = named_.find(name);
    if (found != named_.end()) return found->second;
    throw Error("run.value", cat(option, ": there is no value %", name, " at this stage"),
                "`graftwork inspect` or `graftwork transform` to see the names");
  }

  std::map<std::string, Named> named_;
  Tensors values_;
};

void write_tensors(const RunRequest& request, const Tensors& tensors) {
  std::vector<NamedArray> arrays;
  for (const auto& [name, tensor] : tensors) arrays.push_back({file_name(name), to_array(tensor)});
  request.files.check_before_writing();  // when nothing that is written is a view of a file any more
  write_npz(request.output, arrays);
}

}  // namespace

void run(const RunRequest& request) {
  const InterruptGuard interrupt;
  check_image_options(request.calibration.images, data_of(request));
  const LoadedNetwork loaded = load_to_run(request.model, request.open, request.calibration);
  const std::vector<at::Tensor> inputs =
      read_inputs(loaded.network.module, request.inputs, request.calibration.images, request.calibration.memory_limit);
  const Network network = network_at(request.stage, loaded.network, request.calibration, interrupt);
  Tap tap(network.module, request);

  // What is quantized is computed as its file computes it.
  const bool in_half = request.stage == Stage::kQuantized && request.calibration.float_type == DType::kF16;
  const std::optional<MaskValues> masks = in_half ? std::optional<MaskValues>(network) : std::nullopt;
  const std::optional<HalfRegions> half = in_half ? std::optional(HalfRegions{network.wide, *masks}) : std::nullopt;
  check_memory(network.module, inputs, request.calibration.memory_limit,
               [&](const Node& node) { return tap.keeps(node); });
  const Executor executor(network.module, tap.watched(), half ? &*half : nullptr);
  RunOptions how;
  how.watcher = [&](const ValueRef& seen, at::Tensor& value) { tap.see(seen, value); };
  how.interrupted = [&] { return interrupt.requested(); };
  const std::vector<at::Tensor> results = executor.run(network.tensors, inputs, how);
  interrupt.check();

  std::string summary = line_of(request.output.string());
  for (size_t i = 0; i < results.size(); ++i) {
    const std::string name = network.module.signature().outputs[i].str();
    tap.values()[name] = results[i];
    summary += line_of(cat("  ", name, "  ", type_of(results[i]).text()));
  }
  write_tensors(request, tap.values());
  if (!request.calibration.quiet) print_out(summary);
}

}  // namespace graftwork::core::cli
