#include "graftwork/cli/torch/compare/command_compare.h"

#include <algorithm>

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/output/output.h"
#include "graftwork/cli/torch/compare/ladder_report.h"
#include "graftwork/cli/torch/compare/onnx_run.h"
#include "graftwork/cli/torch/stages.h"
#include "graftwork/nn/executor.h"
#include "graftwork/nn/mask_values.h"
#include "graftwork/nn/run_memory.h"
#include "graftwork/place/json_text.h"
#include "graftwork/quant/affordable_threads.h"
#include "graftwork/quant/measured_samples.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/samples/open_samples.h"

namespace graftwork::core::cli {
namespace {

using Batches = std::vector<std::vector<at::Tensor>>;

/// Batches as a file of the network takes them: of the size that its inputs declare, else of one sample.
Batching declared_batching(const GraphModule& module) {
  Batching batching = batching_of(module);
  const std::vector<Node*> inputs = module.graph().inputs();
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!batching.batched[i] || !inputs[i]->tensor()->dims[0].is_static()) continue;
    batching.size = std::max<int64_t>(inputs[i]->tensor()->dims[0].value(), 1);
    return batching;
  }
  return batching;
}

/// The samples that are compared.
struct Chosen {
  Batches batches;
  int64_t samples = 0;
};

Chosen choose(const GraphModule& module, const SampleSource& source, int64_t wanted) {
  const Batching batching = declared_batching(module);
  Chosen chosen;
  for (const int64_t number : measured_micro_batches(batching, source.size(), wanted)) {
    const int64_t begin = number * batching.size, end = std::min(begin + batching.size, source.size());
    chosen.batches.push_back(filled_up(source.samples(begin, end), batching));
    chosen.samples += end - begin;
  }
  return chosen;
}

/// The outputs of each batch. What is quantized computes as its file does, in FP16 where that has FP16 regions.
Batches run_all(const Network& network, const Batches& batches, bool in_half, const InterruptGuard& interrupt) {
  std::optional<MaskValues> masks;
  std::optional<HalfRegions> half;
  if (in_half) half.emplace(HalfRegions{network.wide, masks.emplace(network)});
  const Executor executor(network.module, {}, half ? &*half : nullptr);
  RunOptions how;
  how.any_batch = true;
  how.interrupted = [&] { return interrupt.requested(); };
  Batches results;
  for (const std::vector<at::Tensor>& inputs : batches) {
    results.push_back(executor.run(network.tensors, inputs, how));
  }
  return results;
}

/// For each value of the transformed graph the one of the loaded network that it took the place of.
std::map<Symbol, Symbol> origins(const Report& report) {
  std::map<Symbol, Symbol> origins;
  for (const AppliedMatch& match : report.applied) {
    if (match.result.empty() || match.replaced.empty()) continue;
    const auto earlier = origins.find(match.replaced.front());
    origins[match.result] = earlier == origins.end() ? match.replaced.front() : earlier->second;
  }
  return origins;
}

std::vector<std::string> value_names(const GraphModule& module) {
  std::vector<std::string> names;
  for (const Node& node : module.graph().nodes()) {
    const bool is_computed = node.kind() == NodeKind::kCallModule || node.kind() == NodeKind::kCallFunction ||
                             node.kind() == NodeKind::kGetItem;
    if (is_computed) names.push_back(node.name().str());
  }
  return names;
}

/// Builds the ladder from below.
class LadderBuilder {
 public:
  LadderBuilder(const GraphModule& module, Chosen chosen)
      : outputs_(module.signature().outputs), chosen_(std::move(chosen)) {
    ladder_.samples = chosen_.samples;
  }

  const Batches& inputs() const { return chosen_.batches; }
  Ladder& ladder() { return ladder_; }

  /// Results of two rungs beside the lowest, which there are: the one before, and the one that is being added.
  int64_t bytes_kept() const {
    size_t bytes = 0;
    for (const std::vector<at::Tensor>& batch : float_) {
      for (const at::Tensor& result : batch) bytes += result.nbytes();
    }
    return 2 * static_cast<int64_t>(bytes);
  }

  /// The lowest rung: floating point as loaded.
  void begin(Batches results) { float_ = previous_ = std::move(results); }

  Rung& add(const std::string& name, Batches results) {
    Rung rung{name, previous_name_};
    for (size_t i = 0; i < outputs_.size(); ++i) {
      OutputDistance distance{outputs_[i], {}, {}};
      for (size_t batch = 0; batch < results.size(); ++batch) {
        add_difference(float_[batch][i], results[batch][i], distance.against_float);
        add_difference(previous_[batch][i], results[batch][i], distance.against_previous);
      }
      rung.outputs.push_back(std::move(distance));
    }
    previous_ = std::move(results);
    previous_name_ = name;
    return ladder_.rungs.emplace_back(std::move(rung));
  }

  /// A file's results in the order of the signature: by name where it has all, else by position.
  Batches in_signature_order(const OnnxResults& file, const std::filesystem::path& path) const {
    std::vector<size_t> order;
    for (const Symbol output : outputs_) {
      const auto found = std::ranges::find(file.outputs, output.str());
      if (found != file.outputs.end()) order.push_back(static_cast<size_t>(found - file.outputs.begin()));
    }
    if (order.size() < outputs_.size()) {
      if (file.outputs.size() != outputs_.size()) {
        throw Error("compare.file", cat("the file has ", counted(file.outputs.size(), "output"), " (",
                                        join(file.outputs), "), the network ", outputs_.size()))
            .at(path.string());
      }
      order.resize(outputs_.size());
      for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    }
    Batches results;
    for (const std::vector<at::Tensor>& batch : file.batches) {
      std::vector<at::Tensor>& ordered = results.emplace_back();
      for (const size_t at : order) ordered.push_back(batch[at]);
    }
    return results;
  }

 private:
  static void add_difference(const at::Tensor& reference, const at::Tensor& signal, Difference& difference) {
    if (reference.sizes() == signal.sizes()) difference.add(reference, signal);
  }

  std::vector<Symbol> outputs_;
  Chosen chosen_;
  Batches float_, previous_;
  std::string previous_name_ = "float";
  Ladder ladder_;
};

void add_file(LadderBuilder& builder, const CompareRequest& request, const Network& quantized,
              const InterruptGuard& interrupt) {
  std::vector<std::string> inputs;
  for (const Node* input : quantized.module.graph().inputs()) inputs.push_back(input->name().str());
  const OnnxResults file = run_onnx(request.file, inputs, builder.inputs(), value_names(quantized.module), interrupt);
  if (!file.left_out.empty()) {
    builder.ladder().rungs.push_back({"file", "quantized", file.left_out});
    return;
  }
  Rung& rung = builder.add("file", builder.in_signature_order(file, request.file));
  if (file.values.empty()) rung.note = "the file names no value of this network: its outputs alone are compared";
  const bool in_half = request.calibration.float_type == DType::kF16;
  rung.first = first_divergence_of_file(quantized, in_half, file.values, builder.inputs().front(),
                                        [&] { return interrupt.requested(); });
  if (rung.first && rung.first->value.str().starts_with("quant_stub"))
    rung.note = "a scale differs: was the file written with other calibration data, recipe or plan?";
}

}  // namespace

void compare(const CompareRequest& request) {
  const InterruptGuard interrupt;
  const at::NoGradGuard no_grad;
  const CalibrationFlags& flags = request.calibration;
  if (!request.file.empty()) const MappedFile is_there(request.file);
  check_image_options(flags.images, {request.data, flags.data});
  const PlanFile plan = plan_of(flags.plan);
  const LoadedNetwork loaded = load_to_run(request.model, request.open, flags);
  const std::unique_ptr<SampleSource> samples =
      open_samples(loaded.network.module, request.data, {flags.limit, flags.images, flags.memory_limit});
  if (samples->size() == 0) throw Error("data.empty", "there is no sample to compare on").at(request.data.string());

  LadderBuilder builder(loaded.network.module, choose(loaded.network.module, *samples, request.samples));
  check_memory(loaded.network.module, builder.inputs().front(), flags.memory_limit);
  builder.begin(run_all(loaded.network, builder.inputs(), false, interrupt));
  if (request.stage != Stage::kFloat) {
    check_memory_of_two(loaded.network.module, builder.inputs().front(), flags.memory_limit, builder.bytes_kept());
    const TransformedNetwork transformed = transform_network(loaded.network, plan, patterns_of(flags.backend));
    Rung& rung = builder.add("transformed", run_all(transformed.network, builder.inputs(), false, interrupt));
    const auto interrupted = [&] { return interrupt.requested(); };
    rung.first = first_divergence(loaded.network, transformed.network, origins(transformed.report),
                                  builder.inputs().front(), interrupted);
    if (request.stage == Stage::kQuantized) {
      const int threads = affordable_threads(transformed.network, *samples, 0, flags.memory_limit, kLosses);
      const QuantizationResult quantized = quantize_network(transformed.network, plan, flags, interrupt, false);
      const bool in_half = flags.float_type == DType::kF16;
      Rung& of_codes = builder.add("quantized", run_all(quantized.network, builder.inputs(), in_half, interrupt));
      LossOptions options;
      options.samples = builder.ladder().samples;
      options.interrupted = interrupted;
      options.threads = threads;
      of_codes.losses = measure_losses(quantized.unquantized, quantized.network, *samples, options);
      if (!request.file.empty()) add_file(builder, request, quantized.network, interrupt);
    }
  }
  interrupt.check();
  request.files.check_before_writing();
  if (!request.report.empty()) write_file(request.report, json_text(ladder_json(request, builder.ladder())));
  if (!flags.quiet) print_out(ladder_text(request, builder.ladder()));
}

}  // namespace graftwork::core::cli
