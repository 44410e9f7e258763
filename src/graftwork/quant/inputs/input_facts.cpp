#include "graftwork/quant/inputs/input_facts.h"

#include "graftwork/base/number_text.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/input_text.h"

namespace graftwork::core {
namespace {

std::string numbers(const std::vector<double>& values) {
  std::vector<std::string> texts;
  for (const double value : values) texts.push_back(short_number(value));
  return join(texts);
}

}  // namespace

std::string text_of(const InputFacts& facts) {
  std::string text = cat(facts.input.str(), ": ", short_number(facts.min), " to ", short_number(facts.max), ", mean ",
                         numbers(facts.mean), ", std ", numbers(facts.stddev));
  if (facts.expected) {
    text += cat(facts.expected->fit.is_mismatch ? "; not as " : "; as ", facts.expected->batch_norm.str(), " behind ",
                facts.expected->layer.str(), " expects");
  }
  return text;
}

std::vector<std::string> input_warnings(const std::vector<InputFacts>& inputs) {
  std::vector<std::string> warnings;
  for (const InputFacts& facts : inputs) {
    if (!facts.expected || !facts.expected->fit.is_mismatch) continue;
    const NormFit& fit = facts.expected->fit;
    warnings.push_back(cat(input_text(facts.input), " is not scaled as in training: behind ",
                           facts.expected->layer.str(), " its variance is ", short_number(fit.variance_ratio),
                           " times what ", facts.expected->batch_norm.str(), " has seen, its mean ",
                           short_number(fit.shift), " deviations away; ",
                           fit.explanation.empty() ? "" : fit.explanation + "; ",
                           "see to mean and deviation, the order of the channels (BGR), and 0 to 255 against 0 to 1"));
  }
  return warnings;
}

}  // namespace graftwork::core
