#include "graftwork/cli/output/option_hints.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "graftwork/base/text.h"

namespace graftwork::core::cli {
namespace {

struct Options {
  std::string_view code;
  std::string_view text;
};

constexpr std::array kOptions{
    Options{"config.export", "graftwork run --stage quantized"},
    Options{"config.policy", "graftwork transform MODEL"},
    Options{"config.skip", "graftwork transform MODEL"},
    Options{"data.image_channels", "--channels"},
    Options{"data.image_crop", "--resize"},
    Options{"data.image_numbers", "--mean, --std"},
    Options{"data.image_size", "--image-size HxW"},
    Options{"data.labels", "--labels FILE"},
    Options{"data.outputs", "--labels FILE"},
    Options{"data.unseen", "--skip NAME"},
    Options{"explain.node", "graftwork inspect MODEL"},
    Options{"export.fp16", "--float fp32"},
    Options{"export.weights", "--weights int8"},
    Options{"memory.limit", "--memory-limit SIZE"},
    Options{"memory.losses", "--memory-limit SIZE, or --no-losses"},
    Options{"plan.pattern", "--patterns FILE"},
    Options{"quant.moments", "--skip-weight NAME"},
    Options{"scales.batch_norm", "--keep-bn"},
    Options{"scales.missing", "--calibrate DATA"},
    Options{"torchscript.code", "--allow-code"},
    Options{"torchscript.example", "--input-shape NAME=1x3x224x224, or --example FILE.npz"},
};

}  // namespace

Error with_options(const Error& error) {
  const auto* const options = std::ranges::find(kOptions, std::string_view(error.code()), &Options::code);
  if (options == kOptions.end() || error.hint().empty()) return error;
  Error told(error.code(), error.message(), cat(error.hint(), " (", options->text, ")"));
  for (const std::string& where : error.context()) told.at(where);
  return told;
}

}  // namespace graftwork::core::cli
