#include <graftwork/onnx.h>

#include "graftwork/export/export_memory.h"
#include "graftwork/export/lower.h"
#include "graftwork/library/recipe.h"
#include "graftwork/library/state.h"
#include "graftwork/onnx/write.h"

namespace graftwork {

std::vector<std::string> export_onnx(const Network& network, const std::filesystem::path& path,
                                     const ExportOptions& options) {
  core::ExportOptions how;
  how.float_type = detail::to_core(options.float_type);
  how.weights = options.float_weights ? core::WeightForm::kFloat : core::WeightForm::kInt8;
  how.opset = options.opset;
  how.attention_operator = options.attention_operator;
  how.keep_batch_norm = options.keep_batch_norm;
  core::check_export_memory(network.state()->module(), how);
  std::vector<std::string> warnings;
  core::onnx::Model model = core::lower(network.state()->network(), how, &warnings);
  model.metadata = network.state()->provenance;
  const std::optional<core::FreezeOptions>& rounded_for = network.state()->rounded_for;
  if (rounded_for && (rounded_for->float_type != how.float_type || rounded_for->keep_batch_norm != how.keep_batch_norm))
    warnings.emplace_back("its scales were rounded for a file with another float_type or keep_batch_norm");
  core::onnx::write_model(model, path);
  return warnings;
}

}  // namespace graftwork
