#include "graftwork/cli/command_run.h"

#include <map>
#include <set>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/output.h"
#include "graftwork/cli/run_inputs.h"
#include "graftwork/cli/stages.h"
#include "graftwork/data/npz.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/executor.h"
#include "graftwork/samples/tensors.h"

namespace graftwork::cli {
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
  TransformedNetwork transformed = transform_network(loaded, plan, patterns_of(flags.patterns));
  if (stage == Stage::kTransformed) return std::move(transformed.network);
  return quantize_network(transformed.network, plan, flags, interrupt).network;
}

/// Keeps the values that were asked for, then puts overrides in their place.
class Tap {
 public:
  Tap(const GraphModule& module, const RunRequest& request) {
    std::map<std::string, const Node*> nodes;
    for (const Node& node : module.graph().nodes()) {
      if (node.kind() != NodeKind::kOutput) nodes.emplace(node.name().str(), &node);
    }
    std::set<const Node*> watched;
    const auto find = [&](const std::string& name, const char* option) {
      const auto node = nodes.find(name);
      if (node == nodes.end()) {
        throw Error("run.value", cat(option, ": there is no value %", name, " at this stage"),
                    "`graftwork inspect` or `graftwork transform` to see the names");
      }
      return node->second;
    };
    for (const std::string& name : request.values) {
      if (name != "all") {
        kept_.insert(find(name, "--values"));
      } else {
        for (const auto& [unused, node] : nodes) kept_.insert(node);
      }
    }
    if (!request.override_file.empty()) {
      for (const NamedArray& named : read_npz(request.override_file)) {
        overrides_.emplace(find(named.name, "--override"), to_tensor(named.array));
      }
    }
    watched = kept_;
    for (const auto& [node, unused] : overrides_) watched.insert(node);
    watched_.assign(watched.begin(), watched.end());
  }

  const std::vector<const Node*>& watched() const { return watched_; }
  Tensors& values() { return values_; }

  void see(const Node& node, at::Tensor& value) {
    if (kept_.contains(&node)) values_[node.name().str()] = value;
    const auto other = overrides_.find(&node);
    if (other == overrides_.end()) return;
    if (other->second.scalar_type() != value.scalar_type() || other->second.sizes() != value.sizes()) {
      throw Error("run.override", cat("%", node.name().str(), " is ", type_of(value).text(), ", its override is ",
                                      type_of(other->second).text()));
    }
    value = other->second;
  }

 private:
  std::set<const Node*> kept_;
  std::map<const Node*, at::Tensor> overrides_;
  std::vector<const Node*> watched_;
  Tensors values_;
};

void write_tensors(const std::filesystem::path& path, const Tensors& tensors) {
  std::vector<NamedArray> arrays;
  for (const auto& [name, tensor] : tensors) arrays.push_back({name, to_array(tensor)});
  write_npz(path, arrays);
}

}  // namespace

void run(const RunRequest& request) {
  const InterruptGuard interrupt;
  check_writable(request.output);
  check_image_options(request.calibration.images, data_of(request));
  const LoadedNetwork loaded = load_model(request.model);
  refuse_unsupported(loaded);
  const std::vector<at::Tensor> inputs = read_inputs(loaded.network.module, request.inputs, request.calibration.images);
  const Network network = network_at(request.stage, loaded.network, request.calibration, interrupt);
  Tap tap(network.module, request);

  Executor executor(network.module);
  executor.watch(tap.watched());
  RunOptions how;
  how.watcher = [&](const Node& node, at::Tensor& value) { tap.see(node, value); };
  const std::vector<at::Tensor> results = executor.run(network.tensors, inputs, how);
  interrupt.check();

  std::string summary = request.output.string() + "\n";
  for (size_t i = 0; i < results.size(); ++i) {
    const std::string name = network.module.signature().outputs[i].str();
    tap.values()[name] = results[i];
    summary += cat("  ", name, "  ", type_of(results[i]).text(), "\n");
  }
  write_tensors(request.output, tap.values());
  if (!request.calibration.quiet) print_out(summary);
}

}  // namespace graftwork::cli
