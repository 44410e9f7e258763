#include "graftwork/train/checkpoint.h"

#include <ATen/Context.h>

#include <cstring>
#include <mutex>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/data/npz.h"
#include "graftwork/samples/tensors.h"

namespace graftwork {
namespace {

// Names of the arrays.
constexpr const char* kNetwork = "network";
constexpr const char* kStep = "step";
constexpr const char* kModes = "modes";
constexpr const char* kRandom = "random";
constexpr const char* kOptimizer = "optimizer";
constexpr const char* kLearningRates = "learning_rates";
constexpr std::string_view kParameters = "parameter/", kBuffers = "buffer/", kStates = "optimizer/";

at::Tensor bytes_of(std::string_view text) {
  at::Tensor bytes = at::empty({static_cast<int64_t>(text.size())}, at::kByte);
  if (!text.empty()) std::memcpy(bytes.mutable_data_ptr<uint8_t>(), text.data(), text.size());
  return bytes;
}

std::string text_of(const at::Tensor& bytes) {
  return {reinterpret_cast<const char*>(bytes.const_data_ptr<uint8_t>()), static_cast<size_t>(bytes.numel())};
}

at::Generator random_numbers() { return at::globalContext().defaultGenerator(at::kCPU); }

/// The arrays of a checkpoint, by name.
class Arrays {
 public:
  explicit Arrays(const std::filesystem::path& path) {
    for (NamedArray& named : read_npz(path)) tensors_[named.name] = to_tensor(named.array);
  }

  const at::Tensor& at(const std::string& name) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) throw Error("train.checkpoint", cat("it has no ", quoted(name)));
    return found->second;
  }

  /// Throws where it is not an array of `type` and, where `rank` is not negative, of that rank.
  const at::Tensor& at(const std::string& name, at::ScalarType type, int64_t rank) const {
    const at::Tensor& tensor = at(name);
    if (tensor.scalar_type() != type || tensor.dim() != rank)
      throw Error("train.checkpoint", cat(quoted(name), " is ", tensor.scalar_type(), tensor.sizes()));
    return tensor;
  }

  /// Those whose names begin with `prefix`, by what follows.
  std::map<std::string, at::Tensor> under(std::string_view prefix) const {
    std::map<std::string, at::Tensor> found;
    for (const auto& [name, tensor] : tensors_) {
      if (name.starts_with(prefix)) found[name.substr(prefix.size())] = tensor;
    }
    return found;
  }

 private:
  std::map<std::string, at::Tensor> tensors_;
};

/// Throws where the stored tensors are not those of the network, by names and shapes.
void check_tensors(std::map<std::string, at::Tensor> stored, std::span<const NamedTensor> own, std::string_view what) {
  for (const auto& [name, tensor] : own) {
    const auto found = stored.find(name);
    if (found == stored.end()) throw Error("train.checkpoint", cat("it has no ", what, " ", name));
    if (found->second.sizes() != tensor.sizes())
      throw Error("train.checkpoint",
                  cat(name, " has the shape ", found->second.sizes(), ", in the network ", tensor.sizes()));
    stored.erase(found);
  }
  if (!stored.empty()) throw Error("train.checkpoint", cat("the network has no ", what, " ", stored.begin()->first));
}

void copy_into(std::span<const NamedTensor> own, const std::map<std::string, at::Tensor>& stored) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : own) {
    at::Tensor target = tensor;
    target.copy_(stored.at(name));
  }
}

int64_t restored(const Arrays& arrays, QatNetwork& network, torch::optim::Optimizer& optimizer) {
  const std::string stored = text_of(arrays.at(kNetwork, at::kByte, 1)), own = network.origin();
  if (stored != own)
    throw Error("train.checkpoint", cat("it is of another network: it began as ", stored, ", this one as ", own),
                "the network that it was written for, with the same options");
  const std::vector<NamedTensor> parameters = network.named_parameters(), buffers = network.named_buffers();
  const auto stored_parameters = arrays.under(kParameters), stored_buffers = arrays.under(kBuffers);
  check_tensors(stored_parameters, parameters, "parameter");
  check_tensors(stored_buffers, buffers, "buffer");
  const at::Tensor& rates = arrays.at(kLearningRates, at::kDouble, 1);
  const double* first_rate = rates.const_data_ptr<double>();
  OptimizerState state{
      text_of(arrays.at(kOptimizer, at::kByte, 1)), {first_rate, first_rate + rates.numel()}, arrays.under(kStates)};
  const std::string modes = text_of(arrays.at(kModes, at::kByte, 1));
  const at::Tensor random = arrays.at(kRandom, at::kByte, 1).clone();
  const int64_t step = arrays.at(kStep, at::kLong, 0).item<int64_t>();

  at::Generator generator = random_numbers();
  {
    const std::scoped_lock lock(generator.mutex());
    if (random.numel() != generator.get_state().numel())
      throw Error("train.checkpoint", "its random numbers are those of another version of torch");
  }
  ModuleModes restored_modes = network.modes();
  restored_modes.restore({reinterpret_cast<const uint8_t*>(modes.data()), modes.size()});
  restore(optimizer, state, parameters);  // throws before it changes anything; nothing behind it does
  network.modes().restore({reinterpret_cast<const uint8_t*>(modes.data()), modes.size()});
  copy_into(parameters, stored_parameters);
  copy_into(buffers, stored_buffers);
  const std::scoped_lock lock(generator.mutex());
  generator.set_state(random);
  return step;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const QatNetwork& network,
                     const torch::optim::Optimizer& optimizer, int64_t step) {
  const std::vector<NamedTensor> parameters = network.named_parameters();
  const OptimizerState state = state_of(optimizer, parameters);
  std::vector<NamedArray> arrays;
  const auto add = [&](std::string name, const at::Tensor& tensor) {
    arrays.push_back({std::move(name), to_array(tensor)});
  };
  add(kNetwork, bytes_of(network.origin()));
  add(kStep, at::scalar_tensor(step, at::kLong));
  const std::vector<uint8_t> modes = network.modes().state();
  add(kModes, bytes_of({reinterpret_cast<const char*>(modes.data()), modes.size()}));
  {
    at::Generator generator = random_numbers();
    const std::scoped_lock lock(generator.mutex());
    add(kRandom, generator.get_state());
  }
  add(kOptimizer, bytes_of(state.kind));
  add(kLearningRates, at::tensor(at::ArrayRef<double>(state.learning_rates), at::kDouble));
  for (const auto& [name, tensor] : parameters) add(cat(kParameters, name), tensor);
  for (const auto& [name, tensor] : network.named_buffers()) add(cat(kBuffers, name), tensor);
  for (const auto& [name, tensor] : state.tensors) add(cat(kStates, name), tensor);
  write_npz(path, arrays);
}

int64_t load_checkpoint(const std::filesystem::path& path, QatNetwork& network, torch::optim::Optimizer& optimizer) {
  try {
    return restored(Arrays(path), network, optimizer);
  } catch (Error& error) {
    throw error.at(path.string());
  }
}

}  // namespace graftwork
