// Live modules as networks: a torch::nn::Module, or anything else that can be called, runs once and is recorded.
#pragma once

#include <graftwork/network.h>

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace graftwork {

/// Takes as many tensors as it was captured with, gives its results.
using Forward = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>& inputs)>;

/// Tensors by qualified name: "layer1.0.conv1.weight".
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

struct CaptureOptions {
  /// Names in the graph; those that are missing are "x" or "x_0", "x_1", …, and "output" or "output_0", …
  std::vector<std::string> input_names = {};
  std::vector<std::string> output_names = {};
  /// The network must give what the module gives on these, too. Empty: on others of the same shapes that are made from
  /// the inputs.
  std::vector<at::Tensor> replay_inputs = {};
  /// Whether to prove that at all: it costs a run of each.
  bool replay = true;
};

/// Runs `forward` once, without gradients, and records the operators that this thread calls. What they read that is
/// neither an input nor named here becomes a constant. Parameters and buffers are shared with the network, and tied
/// ones stay tied; layers are named after them. Extents are those of `inputs`; a batch that nothing fixes may differ
/// later. Branches, loops and numbers that are read out of tensors are fixed as they were: Network::warnings() tells
/// what was seen of that.
///
/// Buffers that its runs have written to are as before afterwards, and torch's random numbers where operators have drawn
/// some, also where it throws. Parameters that `forward` writes to are not put back. Inside of another capture it is no
/// part of what that records; running the network that it gives is.
///
/// Throws what `forward` throws, as it is; Error "capture.input", "capture.output", "capture.alias"; "capture.replay"
/// when the network gives something else than `forward` on other inputs. Safe to call from many threads.
GRAFTWORK_API Network capture(const Forward& forward, const std::vector<at::Tensor>& inputs,
                              const NamedTensors& parameters, const NamedTensors& buffers,
                              const CaptureOptions& options = {});

namespace detail {

/// Throws Error "capture.trace" unless it holds.
GRAFTWORK_API void require_capture(bool is_capture);
/// Throws Error "capture.input": nothing that can be called takes so many tensors.
[[noreturn]] GRAFTWORK_API void refuse_input_count(size_t inputs);

/// Throws Error "capture.input": the pointer or holder is empty.
[[noreturn]] GRAFTWORK_API void refuse_no_module();

/// Modules, holders of modules (TORCH_MODULE) and pointers to them: the module.
template <class Model>
decltype(auto) module_of(Model& model) {
  if constexpr (requires { model.named_parameters(); }) {
    return (model);
  } else if constexpr (requires { model->named_parameters(); }) {
    if (!model) refuse_no_module();
    return (*model);
  } else {
    return (model);
  }
}

template <class Tensors>
NamedTensors named(const Tensors& tensors) {
  NamedTensors result;
  for (const auto& item : tensors) result.emplace_back(item.key(), item.value());
  return result;
}

template <class Result>
void append(std::vector<at::Tensor>& results, const Result& result) {
  if constexpr (std::is_convertible_v<const Result&, at::Tensor>) {
    results.push_back(result);
  } else if constexpr (requires { std::tuple_size<Result>::value; }) {
    std::apply([&](const auto&... parts) { (append(results, parts), ...); }, result);
  } else {
    static_assert(requires { std::begin(result); }, "graftwork: forward gives a tensor, or a tuple or range of such");
    for (const auto& part : result) append(results, part);
  }
}

template <class Call, size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires(Call& call, const std::vector<at::Tensor>& inputs) { call(inputs[I]...); };
}

inline constexpr size_t kMostInputs = 8;

/// Whether it can be called with any number of tensors.
template <class Call, size_t Count = 0>
constexpr bool takes_tensors() {
  if constexpr (takes<Call>(std::make_index_sequence<Count>())) return true;
  if constexpr (Count < kMostInputs) return takes_tensors<Call, Count + 1>();
  return false;
}

/// Calls with as many tensors as there are; what takes none one by one takes their vector.
template <size_t Count, class Call>
std::vector<at::Tensor> call_with(Call& call, const std::vector<at::Tensor>& inputs) {
  if constexpr (!takes_tensors<Call>()) {
    static_assert(
        requires { call(inputs); }, "graftwork: forward takes up to eight tensors by value or const reference");
    std::vector<at::Tensor> results;
    append(results, call(inputs));
    return results;
  } else if constexpr (Count > kMostInputs) {
    refuse_input_count(inputs.size());
  } else {
    if constexpr (takes<Call>(std::make_index_sequence<Count>())) {
      if (inputs.size() == Count) {
        std::vector<at::Tensor> results;
        [&]<size_t... I>(std::index_sequence<I...>) {
          append(results, call(inputs[I]...));
        }(std::make_index_sequence<Count>());
        return results;
      }
    }
    return call_with<Count + 1>(call, inputs);
  }
}

}  // namespace detail

/// The same for a torch::nn::Module, a holder of one, or a pointer to one, whose forward() takes up to eight tensors
/// and gives a tensor, or a tuple or vector of tensors; and for any function that does. A module's parameters and
/// buffers have the names that it has for them; it stays in the mode that it is in: call eval() first to deploy it.
template <class Model>
Network capture(Model&& model, const std::vector<at::Tensor>& inputs, const CaptureOptions& options = {}) {
  auto& module = detail::module_of(model);
  if constexpr (std::is_same_v<std::remove_cvref_t<Model>, Forward>) {
    return capture(model, inputs, {}, {}, options);
  } else if constexpr (requires { module.named_parameters(); }) {
    const auto forward = [&](const std::vector<at::Tensor>& given) {
      const auto call = [&](const auto&... tensors) -> decltype(module.forward(tensors...)) {
        return module.forward(tensors...);
      };
      return detail::call_with<0>(call, given);
    };
    return capture(Forward(forward), inputs, detail::named(module.named_parameters()),
                   detail::named(module.named_buffers()), options);
  } else {
    const auto forward = [&](const std::vector<at::Tensor>& given) { return detail::call_with<0>(module, given); };
    return capture(Forward(forward), inputs, {}, {}, options);
  }
}

}  // namespace graftwork
