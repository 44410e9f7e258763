#include "graftwork/import/recorded/kept_random_numbers.h"

#include <ATen/ATen.h>

#include <mutex>
#include <set>

namespace graftwork::core {

KeptRandomNumbers::KeptRandomNumbers(const std::vector<at::Tensor>& tensors) {
  std::set<std::pair<at::DeviceType, at::DeviceIndex>> devices{{at::kCPU, -1}};
  for (const at::Tensor& tensor : tensors) {
    if (tensor.defined() && tensor.is_cuda()) devices.emplace(at::kCUDA, tensor.get_device());
  }
  for (const auto& [type, index] : devices) {
    at::Generator generator = at::globalContext().defaultGenerator({type, index});
    const std::scoped_lock lock(generator.mutex());
    states_.emplace_back(generator, generator.get_state());
  }
}

KeptRandomNumbers::~KeptRandomNumbers() {
  for (auto& [generator, state] : states_) {
    const std::scoped_lock lock(generator.mutex());
    generator.set_state(state);
  }
}

}  // namespace graftwork::core
