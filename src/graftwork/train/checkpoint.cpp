#include "graftwork/train/checkpoint.h"

#include <ATen/Context.h>

#include <mutex>
#include <optional>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/data/array_record.h"
#include "graftwork/data/npz.h"
#include "graftwork/samples/tensors.h"

namespace graftwork::core {
namespace {

// Names of the arrays.
constexpr const char* kNetwork = "network";
constexpr const char* kStep = "step";
constexpr const char* kModes = "modes";
constexpr const char* kRandom = "random";
constexpr const char* kOptimizer = "optimizer";
constexpr const char* kLearningRates = "learning_rates";
constexpr std::string_view kParameters = "parameter/", kBuffers = "buffer/", kStates = "optimizer/";

at::Generator random_numbers() { return at::globalContext().defaultGenerator(at::kCPU); }

/// The arrays of a checkpoint; one that is missing, or another than is asked for, is an error.
class Contents {
 public:
  explicit Contents(const std::filesystem::path& path) : record_(path) {}

  std::string text(const std::string& name) const { return present(name, record_.text(name)); }
  std::vector<double> numbers(const std::string& name) const {
    return present(name, record_.numbers<double>(name, DType::kF64));
  }
  at::Tensor tensor(const std::string& name, DType type, size_t rank) const {
    const Array& array = at(name);
    if (array.type != type || array.shape.size() != rank) refuse(name, array);
    return to_tensor(array);
  }

  /// Those whose names begin with `prefix`, by what follows.
  std::map<std::string, at::Tensor> under(std::string_view prefix) const {
    std::map<std::string, at::Tensor> found;
    for (const auto& [name, array] : record_.arrays()) {
      if (name.starts_with(prefix)) found[name.substr(prefix.size())] = to_tensor(array);
    }
    return found;
  }

 private:
  const Array& at(const std::string& name) const {
    const Array* array = record_.find(name);
    if (!array) throw Error("train.checkpoint", cat("it has no ", quoted(name)));
    return *array;
  }
  [[noreturn]] static void refuse(const std::string& name, const Array& array) {
    throw Error("train.checkpoint", cat(quoted(name), " is ", dtype_name(array.type), shape_text(array.shape)));
  }
  template <class Field>
  Field present(const std::string& name, std::optional<Field> field) const {
    if (!field) refuse(name, at(name));
    return std::move(*field);
  }

  ArrayRecord record_;
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

int64_t restored(const Contents& contents, QatNetwork& network, torch::optim::Optimizer& optimizer) {
  const std::string stored = contents.text(kNetwork), own = network.origin();
  if (stored != own)
    throw Error("train.checkpoint", cat("it is of another network: it began as ", stored, ", this one as ", own),
                "the network that it was written for, with the same options");
  const std::vector<NamedTensor> parameters = network.named_parameters(), buffers = network.named_buffers();
  const auto stored_parameters = contents.under(kParameters), stored_buffers = contents.under(kBuffers);
  check_tensors(stored_parameters, parameters, "parameter");
  check_tensors(stored_buffers, buffers, "buffer");
  const OptimizerState state{contents.text(kOptimizer), contents.numbers(kLearningRates), contents.under(kStates)};
  const std::string modes = contents.text(kModes);
  const at::Tensor random = contents.tensor(kRandom, DType::kU8, 1).clone();
  const int64_t step = contents.tensor(kStep, DType::kI64, 0).item<int64_t>();

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
  arrays.push_back(text_array(kNetwork, network.origin()));
  add(kStep, at::scalar_tensor(step, at::kLong));
  const std::vector<uint8_t> modes = network.modes().state();
  arrays.push_back(number_array(kModes, DType::kU8, modes));
  {
    at::Generator generator = random_numbers();
    const std::scoped_lock lock(generator.mutex());
    add(kRandom, generator.get_state());
  }
  arrays.push_back(text_array(kOptimizer, state.kind));
  arrays.push_back(number_array(kLearningRates, DType::kF64, state.learning_rates));
  for (const auto& [name, tensor] : parameters) add(cat(kParameters, name), tensor);
  for (const auto& [name, tensor] : network.named_buffers()) add(cat(kBuffers, name), tensor);
  for (const auto& [name, tensor] : state.tensors) add(cat(kStates, name), tensor);
  write_npz(path, arrays);
}

int64_t load_checkpoint(const std::filesystem::path& path, QatNetwork& network, torch::optim::Optimizer& optimizer) {
  try {
    return restored(Contents(path), network, optimizer);
  } catch (Error& error) {
    throw error.at(path.string());
  }
}

}  // namespace graftwork::core
