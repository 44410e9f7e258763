// That the recorded network computes what it was recorded from.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/captured/build_network.h"
#include "graftwork/import/recorded/kept_memory.h"
#include "graftwork/import/recorded/record.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/executor.h"

namespace graftwork::core {
namespace {

std::vector<at::Tensor> copies(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> made;
  for (const at::Tensor& tensor : tensors) made.push_back(tensor.defined() ? tensor.clone() : tensor);
  return made;
}

/// What the rounding of a deep network's operators may add up to, as part of the largest element.
double tolerance(at::ScalarType type) {
  if (!at::isFloatingType(type)) return 0;
  return type == at::kFloat || type == at::kDouble ? 1e-4 : 2e-2;
}

/// How a result differs; empty when it does not.
std::string difference(const at::Tensor& replayed, const at::Tensor& wanted) {
  const TensorType own = type_of(replayed), other = type_of(wanted);
  if (own != other) return cat("is ", own.text(), ", not ", other.text());
  if (at::equal(replayed, wanted) || wanted.numel() == 0) return {};
  const at::Tensor a = replayed.to(at::kDouble), b = wanted.to(at::kDouble);
  const at::Tensor finite = at::isfinite(b);
  if (!at::equal(at::isfinite(a), finite)) return "has infinite numbers or NaN in other places";
  const at::Tensor none = at::zeros({}, b.options());
  const double apart = at::where(finite, at::sub(a, b), none).abs().max().item<double>();
  const double largest = at::where(finite, b, none).abs().max().item<double>();
  if (apart <= tolerance(wanted.scalar_type()) * largest) return {};
  return cat("differs by up to ", apart, ", where its largest element is ", largest);
}

[[noreturn]] void fail(const LoadedNetwork& loaded, const std::string& what) {
  const bool trains = !loaded.in_training.empty();
  Error error("capture.replay", what,
              trains
                  ? "calling eval() on the module before it is captured"
                  : "deciding by operators (torch::where) instead of by numbers read out of tensors, and giving what "
                    "changes from call to call as an input");
  for (const std::string& line : loaded.warnings) error.at(line);
  for (const std::string& layer : loaded.in_training) error.at(cat(layer, " computes as in training"));
  throw error;
}

}  // namespace

std::vector<at::Tensor> other_inputs(const std::vector<at::Tensor>& inputs) {
  const c10::NoGradGuard no_grad;
  at::Generator generator = at::detail::createCPUGenerator(1);
  std::vector<at::Tensor> made;
  for (const at::Tensor& input : inputs) {
    const at::Tensor flat = input.detach().to(at::kCPU).contiguous().flatten();
    at::Tensor other = flat;
    if (flat.numel() > 0) {
      other = flat.index_select(0, at::randperm(flat.numel(), generator, at::TensorOptions(at::kLong)));
      if (flat.is_floating_point()) {
        const at::Tensor wide = flat.to(at::kDouble);
        const double least = wide.min().item<double>(), most = wide.max().item<double>();
        if (least == most)
          other = at::randn({flat.numel()}, generator, flat.options().dtype(at::kFloat)).to(flat.options());
        if (least < 0 && 0 < most) other = at::neg(other);
      }
    }
    made.push_back(other.reshape(input.sizes()).to(input.options()));
  }
  return made;
}

void verify_replay(const LoadedNetwork& loaded, const Forward& forward, const std::vector<at::Tensor>& inputs,
                   const NamedTensors& buffers) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> wanted;
  // Copies, as results may be buffers.
  recorded::leaving_as_it_was(buffers, [&] { wanted = copies(forward(copies(inputs))); });
  const std::vector<Symbol>& names = loaded.network.module.signature().outputs;
  if (wanted.size() != names.size())
    fail(loaded, cat("the module gives ", counted(wanted.size(), "result"), " for other inputs, and was recorded with ",
                     names.size()));
  std::vector<at::Tensor> replayed;
  try {
    RunOptions options;
    options.any_batch = true;  // more samples are a proof as well, where the network takes them
    replayed = Executor(loaded.network.module).run(loaded.network.tensors, copies(inputs), options);
  } catch (const Error& error) {
    fail(loaded, cat("the recorded network does not run: ", error.message()));
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    const std::string how = difference(replayed[i], wanted[i]);
    if (!how.empty())
      fail(loaded, cat("result ", names[i].str(), " of the recorded network ", how,
                       ", on inputs that it was not recorded with"));
  }
}

}  // namespace graftwork::core
