// What running a network does, step by step: the plan that both executors share.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graftwork/nn/module_kernels.h"
#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

class MaskValues;

/// A value of the network, or, where `inner` is set, one inside the body of the module that `node` calls.
struct ValueRef {
  const Node* node = nullptr;
  Symbol inner = {};
  friend bool operator==(const ValueRef&, const ValueRef&) = default;
};

/// Sees a watched value and may put another in its place.
using Watcher = std::function<void(const ValueRef&, at::Tensor& value)>;

/// Values of a body that are computed at once, in another way than by its parts.
class PreparedModule {
 public:
  virtual ~PreparedModule() = default;
  /// `inputs`: the values of Prepared::inputs.
  virtual at::Tensor run(std::span<const at::Tensor> inputs) const = 0;
};

struct Prepared {
  std::unique_ptr<const PreparedModule> module;
  std::vector<const Node*> inputs;    ///< Nodes of the resolved body.
  std::vector<const Node*> replaces;  ///< Those that need not run; the last one's value is the result.
};

/// Prepares a part of the body of a call_module node; without a module the body runs as it is.
using Preparer = std::function<Prepared(const GraphModule&, const Node&)>;

/// What nodes give, and constants, is rounded to FP16, but for what is wide and for masks that are finite numbers.
struct HalfRegions {
  const WideNodes& wide;
  const MaskValues& masks;
};

/// A network made ready to run: bodies walked, operators looked up, constants known, last uses known. Refers to the
/// network, which must stay as it is. Safe to run from many threads.
class Program {
 public:
  /// Values that are `watched` are computed by themselves. With `half`, as a file with FP16 regions computes. Throws
  /// Error "nn.unsupported" that lists every operator which torch does not know, with its place; "nn.value" when there
  /// is no such inner value.
  explicit Program(const GraphModule& module, std::vector<ValueRef> watched = {}, const Preparer& prepare = {},
                   const HalfRegions* half = nullptr);
  ~Program();
  Program(Program&&) noexcept;

  struct Environment {
    const TensorStore& tensors;
    Mode mode = Mode::kEval;
    const Watcher& watcher;
    /// The first extent of an input may differ from the declared one.
    bool any_batch = false;
    /// By index of the module; none: `mode` is every module's.
    std::span<const Mode> modes = {};
    /// Polled before each step; null: never.
    const std::function<bool()>* interrupted = nullptr;
  };
  /// Results in signature order. A value is freed after its last use. Throws Error "nn.input" when the inputs do not
  /// fit the signature, "nn.run" with the node's place when torch fails, and "interrupted".
  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs, const Environment& environment) const;

  /// A run that goes from watched value to watched value as it is told. Of what it was started with nothing may end
  /// before it does.
  class Run {
   public:
    /// Runs up to the next step that gives watched values, and shows them. False where there was none, and the run is
    /// done. Throws as Program::run does.
    bool advance();
    /// Of a run that is done, in signature order.
    std::vector<at::Tensor> results() const;

   private:
    friend class Program;
    Run(const Program& program, std::span<const at::Tensor> inputs, const Environment& environment);

    const Program* program_;
    std::span<const at::Tensor> inputs_;
    Environment environment_;
    c10::Device device_;
    std::vector<c10::IValue> values_;
    size_t next_step_ = 0, next_input_ = 0;
  };
  /// As run(), step by step.
  Run start(std::span<const at::Tensor> inputs, const Environment& environment) const;

  /// What one node gives on operands that the caller has: the same bits as in a run. A tensor, a number, or a tuple,
  /// also where a run would make none of several results. Neither for inputs, elements of tuples and the output, nor
  /// with HalfRegions; what is watched is not shown. Time and memory are those of the node, whatever the size of the
  /// network. Throws Error "nn.run" as run() does.
  c10::IValue run_node(const Node& node, std::span<const c10::IValue> operands, const Environment& environment,
                       c10::Device device = c10::kCPU) const;

 private:
  struct Step;
  struct Part;
  class Builder;
  using Operands = std::vector<const c10::IValue*>;
  c10::IValue run_step(const Step& step, const Operands& operands, const Environment& environment,
                       c10::Device device) const;

  const GraphModule& module_;
  std::vector<Step> steps_;
  std::vector<const Node*> inputs_;
  std::vector<size_t> results_;
  std::vector<Part> parts_;  // by index of the node
};

/// Checks one tensor against an input's declared type: element type, rank and static extents (but the first, with
/// `any_batch`). Throws Error "nn.input" that names the input.
void check_input(const Node& input, const at::Tensor& tensor, bool any_batch = false);
/// The same of what is not read yet.
void check_input(const Node& input, const TensorType& given, bool any_batch = false);

}  // namespace graftwork::core
