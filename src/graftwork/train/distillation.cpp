#include "graftwork/train/distillation.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/quant/micro_batch.h"

namespace graftwork::core {
namespace {

void check_shapes(const at::Tensor& student, const at::Tensor& teacher) {
  if (student.sizes() == teacher.sizes()) return;
  throw Error("train.teacher", cat("the teacher gives ", teacher.sizes(), ", the network ", student.sizes()),
              "the same inputs for both");
}

}  // namespace

Teacher::Teacher(const Network& network)
    : network_(network.clone()), any_batch_(holds_for_any_batch(network_.module)), runner_(network_) {}

std::vector<at::Tensor> Teacher::outputs(std::span<const at::Tensor> inputs) const {
  const at::NoGradGuard no_grad;
  return runner_.run(inputs, {}, any_batch_);
}

at::Tensor Teacher::output(const at::Tensor& input) const {
  std::vector<at::Tensor> results = outputs(std::span(&input, 1));
  if (results.size() != 1)
    throw Error("train.results", cat("the network has ", results.size(), " results"), "outputs of a list of inputs");
  return std::move(results.front());
}

at::Tensor output_loss(std::span<const at::Tensor> student, std::span<const at::Tensor> teacher) {
  if (student.empty() || student.size() != teacher.size())
    throw Error("train.teacher",
                cat("the teacher gives ", counted(teacher.size(), "result"), ", the network ", student.size()));
  at::Tensor sum;
  for (size_t i = 0; i < student.size(); ++i) {
    check_shapes(student[i], teacher[i]);
    const at::Tensor loss = at::mse_loss(student[i], teacher[i]);
    sum = sum.defined() ? sum + loss : loss;
  }
  return sum / static_cast<double>(student.size());
}

at::Tensor distillation_loss(const at::Tensor& student, const at::Tensor& teacher, double temperature) {
  check_shapes(student, teacher);
  if (!(temperature > 0)) throw Error("train.temperature", cat("a temperature is above 0, not ", temperature));
  const at::Tensor wanted = at::log_softmax(teacher.detach() / temperature, -1);
  const at::Tensor given = at::log_softmax(student / temperature, -1);
  const at::Tensor divergence = (wanted.exp() * (wanted - given)).sum(-1);
  return divergence.mean() * (temperature * temperature);
}

}  // namespace graftwork::core
