// What the inputs of a network look like on calibration data, beside what its first batch norms expect.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/inputs/norm_fit.h"
#include "graftwork/quant/sample_source.h"

namespace graftwork {

/// The convolution that reads an input, and the batch norm behind it.
struct ExpectedInput {
  Symbol layer;
  Symbol batch_norm;
  NormFit fit;
};

struct InputFacts {
  Symbol input;
  double min = 0, max = 0;
  std::vector<double> mean;    ///< By channel (the axis behind that of the samples), of one to four; else one number.
  std::vector<double> stddev;  ///< Likewise.
  /// Where a convolution with batch norm reads the input itself, and the running statistics are those of a training.
  std::optional<ExpectedInput> expected;
};

/// The samples of another source, which it watches as they are read: so the statistics cost no pass of their own. They
/// depend on neither the order of samples nor the threads.
class InputStatistics final : public SampleSource {
 public:
  InputStatistics(const Network& network, const SampleSource& source);
  ~InputStatistics() override;

  int64_t size() const override { return source_.size(); }
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override;
  std::string file(int64_t sample) const override { return source_.file(sample); }
  std::vector<std::string> facts() const override { return source_.facts(); }

  /// Of what was read so far: inputs of floating point, in signature order.
  std::vector<InputFacts> found() const;

 private:
  class Collected;

  const SampleSource& source_;
  std::vector<std::unique_ptr<Collected>> inputs_;  // null for an input of another type
};

/// "x: 0 to 1, mean 0.48, 0.46, 0.41, std 0.23, 0.22, 0.23; as bn1 behind conv1 expects".
std::string text_of(const InputFacts& facts);
/// What to say of a mismatch; nothing where there is none.
std::vector<std::string> input_warnings(const std::vector<InputFacts>& inputs);

}  // namespace graftwork
