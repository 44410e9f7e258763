// ONNX export of a quantized network in memory: lowering, codes of the weights, and the file on disk.
//     export_bench MODEL.pt2 SAMPLES.npy OUT.onnx        answers "export"
#include "graftwork/export/lower.h"
#include "graftwork/import/load.h"
#include "graftwork/onnx/write.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/quantize.h"
#include "graftwork/samples/open_samples.h"
#include "serve.h"

namespace {

using namespace graftwork::core;

void run(const std::filesystem::path& model, const std::filesystem::path& data, const std::filesystem::path& out) {
  const LoadedNetwork loaded = load_network(model);
  const Network transformed{transform(loaded.network.module).model, loaded.network.tensors};
  // Export does not depend on how many samples gave the scales.
  const QuantizationResult quantized =
      quantize(transformed, *open_samples(transformed.module, data, {.limit = 1, .images = {}}), {}, {});
  bench::serve({{"export", [&] {
                   return bench::cost([&] {
                     onnx::Model lowered = lower(quantized.network, {});
                     onnx::write_model(lowered, out);
                     return lowered;
                   });
                 }}});
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded([&] {
    if (argc != 4) throw std::invalid_argument("usage: export_bench MODEL.pt2 SAMPLES.npy OUT.onnx");
    run(argv[1], argv[2], argv[3]);
  });
}
