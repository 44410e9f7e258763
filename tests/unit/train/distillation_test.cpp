// Losses against a teacher.
#include "graftwork/train/distillation.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "unit/train/trained_networks.h"

namespace graftwork::core::testing {
namespace {

at::Tensor floats(std::vector<float> values) { return at::tensor(at::ArrayRef<float>(values)); }

TEST(Teacher, IsTheFloatNetworkWithoutGradients) {
  const Network network = transformed(kSmallCnn);
  const Teacher teacher(network);
  const at::Tensor x = random_batch(5, 1).requires_grad_();
  const at::Tensor got = teacher.output(x);
  EXPECT_FALSE(got.requires_grad());
  RunOptions options;
  options.any_batch = true;
  const at::NoGradGuard no_grad;
  EXPECT_LT(relative_difference(got, Executor(network.module).run(network.tensors, std::array{x}, options)[0]), 1e-5);
}

TEST(OutputLoss, IsTheMeanOfSquaresOfAllResults) {
  const std::vector<at::Tensor> student{floats({1, 2}), floats({3})}, teacher{floats({0, 0}), floats({1})};
  EXPECT_FLOAT_EQ(output_loss(student, teacher).item<float>(), (2.5F + 4) / 2);
  EXPECT_THROW(output_loss(student, std::vector{teacher[0]}), Error);
  EXPECT_THROW(output_loss(student, std::vector{teacher[1], teacher[0]}), Error);
}

TEST(DistillationLoss, IsTheDivergenceOfSoftenedLogits) {
  const double temperature = 3;
  const at::Tensor student = random_batch(6, 1, {10}).requires_grad_(), teacher = random_batch(6, 2, {10});
  const at::Tensor p = at::softmax(teacher / temperature, 1), q = at::softmax(student / temperature, 1);
  const at::Tensor expected = (p * (p.log() - q.log())).sum() / 6 * temperature * temperature;
  const at::Tensor loss = distillation_loss(student, teacher, temperature);
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-5);
  loss.backward();
  // T² · (q − p) / T, the mean over six rows.
  EXPECT_LT(relative_difference(student.grad(), (q - p).detach() * (temperature / 6)), 1e-5);
}

TEST(DistillationLoss, IsNothingForATeacherThatAgreesAndFiniteForOneThatIsSure) {
  const at::Tensor logits = random_batch(4, 1, {10});
  EXPECT_NEAR(distillation_loss(logits, logits, 2).item<double>(), 0, 1e-6);
  EXPECT_TRUE(std::isfinite(distillation_loss(floats({0, 0}), floats({1e4, -1e4}), 1).item<float>()));
}

TEST(DistillationLoss, RefusesShapesAndTemperaturesThatMakeNoSense) {
  const at::Tensor logits = random_batch(4, 1, {10});
  EXPECT_THROW(distillation_loss(logits, random_batch(3, 1, {10}), 2), Error);
  for (const double temperature : {0.0, -1.0, std::nan("")})
    EXPECT_THROW(distillation_loss(logits, logits, temperature), Error);
}

}  // namespace
}  // namespace graftwork::core::testing
