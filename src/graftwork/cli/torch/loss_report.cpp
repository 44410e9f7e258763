#include "graftwork/cli/torch/loss_report.h"

#include <cmath>

#include "graftwork/base/number_text.h"
#include "graftwork/base/text.h"

namespace graftwork::core::cli {
std::string decibels(double value) {
  if (std::isinf(value)) return value > 0 ? "nothing lost" : "not finite";
  return fixed(value, 1) + " dB";
}

/// A cosine near 1 is told apart by its nines.
std::string cosine_text(double cosine) {
  int digits = 4;
  while (digits < 9 && 1 - cosine < 0.5 * std::pow(10, -digits)) ++digits;
  return fixed(cosine, digits);
}

Json decibels_json(double value) {
  return std::isinf(value) && value > 0 ? Json(nullptr) : Json(std::round(value * 100) / 100);
}

std::vector<std::string> output_lines(const Losses& losses) {
  std::vector<std::string> lines;
  for (const OutputLoss& output : losses.outputs)
    lines.push_back(cat(output.output.str(), ": ", decibels(output.error.sqnr_db()), ", cosine ",
                        cosine_text(output.error.cosine())));
  return lines;
}

std::vector<std::string> kernel_lines(const Losses& losses) {
  constexpr size_t kShown = 5;
  std::vector<std::string> lines;
  for (const KernelLoss* kernel : worst_kernels(losses, kShown))
    lines.push_back(cat(kernel->layer.str(), ": ", decibels(kernel->own.sqnr_db()), " by itself, ",
                        decibels(kernel->all.sqnr_db()), " with all before it"));
  return lines;
}

Json losses_json(const Losses& losses) {
  Json outputs = Json::array(), kernels = Json::array();
  for (const OutputLoss& output : losses.outputs)
    outputs.push_back({{"output", output.output.str()},
                       {"sqnr_db", decibels_json(output.error.sqnr_db())},
                       {"cosine", number(static_cast<float>(output.error.cosine()))}});
  for (const KernelLoss& kernel : losses.kernels)
    kernels.push_back({{"module", kernel.module.str()},
                       {"layer", kernel.layer.str()},
                       {"value", kernel.value.str()},
                       {"own_sqnr_db", decibels_json(kernel.own.sqnr_db())},
                       {"sqnr_db", decibels_json(kernel.all.sqnr_db())}});
  return {{"samples", losses.samples}, {"outputs", std::move(outputs)}, {"kernels", std::move(kernels)}};
}

}  // namespace graftwork::core::cli
