#include "graftwork/quant/sensitivity/effect.h"

#include <algorithm>
#include <limits>

#include "graftwork/base/error.h"

namespace graftwork::core {
namespace {

int64_t count_correct(const at::Tensor& scores, const Labels& labels, int64_t first, int64_t samples) {
  const at::Tensor found = scores.slice(0, 0, samples).argmax(1).contiguous();
  int64_t correct = 0;
  for (int64_t i = 0; i < samples; ++i)
    correct += found.const_data_ptr<int64_t>()[i] == labels.of_sample[static_cast<size_t>(first + i)] ? 1 : 0;
  return correct;
}

}  // namespace

void Effect::add(std::span<const at::Tensor> expected, std::span<const at::Tensor> results, const Labels* labels,
                 int64_t first, int64_t samples) {
  outputs.resize(expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    if (expected[i].is_floating_point() && expected[i].sizes() == results[i].sizes())
      outputs[i].add(expected[i], results[i]);
  }
  if (labels) correct += count_correct(results[labels->output], *labels, first, samples);
}

void Effect::merge(const Effect& other) {
  outputs.resize(other.outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) outputs[i].merge(other.outputs[i]);
  correct += other.correct;
}

double Effect::sqnr_db() const {
  double least = std::numeric_limits<double>::infinity();
  for (const SignalError& error : outputs) {
    if (!error.empty()) least = std::min(least, error.sqnr_db());
  }
  return least;
}

double Effect::cosine() const {
  double least = 1;
  for (const SignalError& error : outputs) {
    if (!error.empty()) least = std::min(least, error.cosine());
  }
  return least;
}

void Effect::write(std::span<double> numbers) const {
  GRAFTWORK_ASSERT(numbers.size() == number_count(outputs.size()));
  double* out = numbers.data();
  for (const SignalError& error : outputs) out = std::ranges::copy(error.sums(), out).out;
  *out = static_cast<double>(correct);
}

Effect Effect::read(std::span<const double> numbers) {
  constexpr size_t kSums = std::tuple_size_v<SignalError::Sums>;
  Effect effect;
  for (size_t at = 0; at + kSums < numbers.size(); at += kSums) {
    SignalError::Sums sums{};
    std::ranges::copy(numbers.subspan(at, kSums), sums.begin());
    effect.outputs.push_back(SignalError::of(sums));
  }
  effect.correct = static_cast<int64_t>(numbers.back());
  return effect;
}

}  // namespace graftwork::core
