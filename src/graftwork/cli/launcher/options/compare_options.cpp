#include "graftwork/cli/launcher/options/network_options.h"
#include "graftwork/cli/launcher/options/open_options.h"
#include "graftwork/cli/launcher/options/quantization_options.h"
#include "graftwork/cli/launcher/options/subcommand.h"

namespace graftwork::core::cli {
namespace {

class Compare final : public Subcommand {
 public:
  explicit Compare(CLI::App& command)
      : Subcommand(
            *command.add_subcommand("compare", "Walk from the float network to the file, and name where they part")) {
    CLI::App& own = app();
    add_network(own, request_.model);
    open_.add_to(own);
    add_path(own, "FILE", request_.file, "The ONNX file that `quantize` wrote of it, to compare too");
    add_data(own, request_.data, "compare");
    add_count(own, "--samples", request_.samples, 1,
              "Compare on N of them, evenly spread; default: one in sixteen, 1 to 8");
    add_stage(own, request_.stage, "How far to go without a file: float, transformed, or quantized");
    quantization_.add_to(own);
    add_path(own, "--report", request_.report, "Write every figure, in JSON");
    add_memory_limit(own, request_.calibration);
    add_quiet(own, request_.calibration);
    own.footer(
        "Use it when results are wrong: it walks from the network in floating point over the fused and the quantized "
        "one to the file, and names the first value where two of them part. Say of ranges, recipe and plan what "
        "`quantize` was told. The file is run by ONNX Runtime, if python3 has it.\n\n"
        "Example:\n  graftwork compare resnet18.pt2 resnet18_int8.onnx --data images.npy\n"
        "  graftwork compare resnet18.pt2 --stage transformed --data images.npy");
  }

  Request request() override {
    open_.finish(app(), request_.model);
    if (request_.stage != Stage::kQuantized) {
      if (!request_.file.empty()) refuse(app(), "a file stands behind the quantized stage: either FILE or --stage");
      quantization_.refuse_before_quantized(app(), "--limit");  // which is of --data, too
    }
    if (request_.calibration.data.empty()) request_.calibration.data = request_.data;
    quantization_.finish(app());
    return request_;
  }

 private:
  CompareRequest request_;
  OpenOptions open_{request_.open};
  QuantizationOptions quantization_{request_.calibration};
};

}  // namespace

std::unique_ptr<Subcommand> add_compare(CLI::App& command) { return std::make_unique<Compare>(command); }

}  // namespace graftwork::core::cli
