#include "graftwork/import/pt2/functional/functionalise.h"

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/pt2/argument_names.h"
#include "graftwork/import/pt2/functional/emitter.h"
#include "graftwork/import/pt2/functional/hidden_state.h"
#include "graftwork/import/pt2/functional/remove_dead.h"
#include "graftwork/import/pt2/functional/view.h"
#include "graftwork/import/pt2/functional/write_back.h"
#include "graftwork/import/pt2/functional/written_value.h"
#include "graftwork/import/pt2/operator_name.h"
#include "graftwork/import/pt2/origin.h"
#include "graftwork/import/pt2/types.h"

namespace graftwork::pt2 {
namespace {

bool is_copy(const Node& node) {
  return node.target == "torch.ops.aten.copy.default" && node.inputs.size() >= 2 &&
         node.inputs[1].arg.is<TensorName>() && node.outputs.size() == 1 && node.outputs[0].is<TensorName>();
}

bool anything_written(const ExportedProgram& program) {
  const auto mutates = [](const OutputSpec& spec) {
    return spec.kind == OutputSpec::Kind::kBufferMutation || spec.kind == OutputSpec::Kind::kParameterMutation;
  };
  const auto writes = [](const Node& node) {
    return !written_arguments(operator_name(node.target)).empty() || writes_statistics(node) || is_copy(node);
  };
  return std::any_of(program.signature.outputs.begin(), program.signature.outputs.end(), mutates) ||
         std::any_of(program.graph.nodes.begin(), program.graph.nodes.end(), writes);
}

/// Memory that tensors share, as the value of the tensor that is all of it.
struct Memory {
  std::string name;
  std::string value;
  size_t version = 0;
  /// Why it cannot be read any more: something wrote to it in a way that is not followed.
  std::string unreadable;
  /// Memory that may be the same one.
  std::vector<size_t> perhaps;
};

/// One tensor: a view of memory, and its value at one version of it.
struct Tensor {
  size_t memory = 0;
  std::vector<std::shared_ptr<const ViewStep>> path;
  std::string value;
  size_t version = 0;
};

class Pass {
 public:
  Pass(ExportedProgram& program, const std::map<std::string, std::string, std::less<>>& canonical)
      : program_(program), emitter_(program.graph) {
    add_inputs(canonical);
  }

  void run() {
    std::vector<Node> nodes = std::move(program_.graph.nodes);
    program_.graph.nodes.clear();
    for (Node& node : nodes) add(std::move(node));
    for (Argument& output : program_.graph.outputs) read_result(output);
    for (OutputSpec& spec : program_.signature.outputs) read_result(spec.arg);
    if (problems_.empty()) {
      take_unread_statistics(program_);
      remove_dead(program_);
      find_state();
    }
    if (problems_.empty()) return;
    Error error("pt2.in_place", cat(counted(problems_.size(), "in-place write"), " cannot be made functional"),
                "writing the out-of-place form in the model");
    for (std::string& problem : problems_) error.at(std::move(problem));
    throw error;
  }

 private:
  // ---- tensors -------------------------------------------------------------------------------------

  void add_inputs(const std::map<std::string, std::string, std::less<>>& canonical) {
    std::unordered_map<std::string, size_t> stored;  // tied parameters are one tensor
    for (const InputSpec& spec : program_.signature.inputs) {
      const auto* name = spec.arg.get_if<TensorName>();
      if (name == nullptr) continue;
      const auto one = canonical.find(spec.target);
      if (spec.kind == InputSpec::Kind::kUserInput || one == canonical.end()) {
        fresh(name->name);
        continue;
      }
      const auto [known, first] = stored.emplace(one->second, 0);
      if (first) known->second = fresh(name->name);
      tensors_of_[name->name] = known->second;
    }
  }

  /// A tensor with memory of its own.
  size_t fresh(const std::string& name) {
    memories_.push_back({.name = name, .value = name, .version = 0, .unreadable = {}, .perhaps = {}});
    tensors_.push_back({.memory = memories_.size() - 1, .path = {}, .value = name, .version = 0});
    tensors_of_[name] = tensors_.size() - 1;
    return tensors_.size() - 1;
  }

  size_t tensor_of(const std::string& name) {
    const auto found = tensors_of_.find(name);
    return found == tensors_of_.end() ? fresh(name) : found->second;
  }

  const TensorMeta& meta_of(size_t id) {
    const Tensor& tensor = tensors_[id];
    return tensor.path.empty() ? meta_of(memories_[tensor.memory].name) : tensor.path.back()->view;
  }

  const TensorMeta& meta_of(const std::string& name) {
    const auto found = program_.graph.tensor_values.find(name);
    if (found == program_.graph.tensor_values.end()) {
      throw Error("pt2.graph", cat("%", name, " has no type"), "exporting the model again");
    }
    return found->second;
  }

  /// The name of the tensor's value as it is now.
  std::string current(size_t id, const Node& reader) {
    const Memory& memory = memories_[tensors_[id].memory];
    if (!memory.unreadable.empty()) problem(memory.unreadable);
    if (tensors_[id].version == memory.version) return tensors_[id].value;
    std::string value = memory.value;
    for (const auto& step : tensors_[id].path) {
      const auto again = view_again(emitter_, *step, value);
      if (!again) {
        problem(cat(place_of(reader), ": it reads %", tensors_[id].value,
                    ", a view that depends on how memory is laid out, after that memory was written"));
        return tensors_[id].value;
      }
      value = *again;
    }
    tensors_[id].value = value;
    tensors_[id].version = memories_[tensors_[id].memory].version;
    return value;
  }

  void problem(const std::string& line) {
    if (known_problems_.insert(line).second) problems_.push_back(line);
  }

  // ---- calls ---------------------------------------------------------------------------------------

  void add(Node node) {
    forget_statistics(node);
    const Symbol op = operator_name(node.target);
    Symbol functional;
    if (reshapes_itself(op, functional)) return reshape_in_place(std::move(node), functional);
    const std::vector<std::string> written = written_arguments(op);
    if (!written.empty()) return write(std::move(node), written);
    if (is_copy(node)) return copy(std::move(node));
    const ViewKind kind = view_kind(node, program_.graph);
    if (kind != ViewKind::kNone) return view(std::move(node), kind);
    read_inputs(node);
    make_results(node);
    emitter_.append(std::move(node));
  }

  /// Batch norm in training writes its statistics without saying so: it goes without them.
  void forget_statistics(Node& node) {
    if (!writes_statistics(node)) return;
    for (const std::string& name : take_statistics(node)) {
      memories_[tensors_[tensor_of(name)].memory].unreadable =
          cat(place_of(node), ": it reads the running statistics that ", operator_name(node.target).str(),
              " has changed before");
    }
  }

  void read_inputs(Node& node) {
    for (NamedArgument& input : node.inputs) {
      each_tensor_name(input.arg, [&](std::string& name) {
        const size_t id = tensor_of(name);
        name = current(id, node);
      });
    }
  }

  void make_results(const Node& node) {
    for (const Argument& output : node.outputs) each_tensor_name(output, [&](const std::string& name) { fresh(name); });
  }

  void read_result(Argument& argument) {
    Node reader;
    reader.name = "output";
    each_tensor_name(argument, [&](std::string& name) {
      const size_t id = tensor_of(name);
      name = current(id, reader);
    });
  }

  // ---- views ---------------------------------------------------------------------------------------

  void view(Node node, ViewKind kind) {
    const size_t source = tensor_of(node.inputs[0].arg.get_if<TensorName>()->name);
    ViewStep step{.kind = kind, .call = {}, .result = 0, .source = meta_of(source), .view = {}, .offset = 0};
    read_inputs(node);
    step.call = node;
    const int64_t axis = split_axis(node, step.source);
    for (const Argument& output : node.outputs) {
      each_tensor_name(output, [&](const std::string& name) {
        step.view = meta_of(name);
        if (kind == ViewKind::kUnknown) {
          const size_t made = fresh(name);
          memories_[tensors_[made].memory].perhaps.push_back(tensors_[source].memory);
          memories_[tensors_[source].memory].perhaps.push_back(tensors_[made].memory);
        } else {
          add_view(name, source, step);
        }
        ++step.result;
        const bool has_axis = axis >= 0 && static_cast<size_t>(axis) < step.view.sizes.size();
        const auto extent = has_axis ? dim_of(step.view.sizes[static_cast<size_t>(axis)]).maybe_value() : std::nullopt;
        step.offset = step.offset && extent ? std::optional(*step.offset + *extent) : std::nullopt;
      });
    }
    emitter_.append(std::move(node));
  }

  static int64_t split_axis(const Node& node, const TensorMeta& source) {
    int64_t axis = 0;
    for (const NamedArgument& input : node.inputs) {
      if (const auto* number = input.arg.get_if<int64_t>(); number != nullptr && input.name == "dim") axis = *number;
    }
    return axis < 0 ? axis + static_cast<int64_t>(source.sizes.size()) : axis;
  }

  void add_view(const std::string& name, size_t source, const ViewStep& step) {
    Tensor made = tensors_[source];
    made.path.push_back(std::make_shared<const ViewStep>(step));
    made.value = name;
    made.version = memories_[made.memory].version;
    tensors_.push_back(std::move(made));
    tensors_of_[name] = tensors_.size() - 1;
  }

  /// aten.t_ and its kin: the tensor itself becomes a view of what it was. Views taken of it before stay as they are.
  void reshape_in_place(Node node, Symbol functional) {
    const auto* target = node.inputs.empty() ? nullptr : node.inputs[0].arg.get_if<TensorName>();
    if (target == nullptr) return problem(cat(place_of(node), ": it changes the shape of something that is no tensor"));
    const size_t id = tensor_of(target->name);
    node.target = cat("torch.ops.", functional.str());
    if (functional == Symbol("aten.alias.default")) node.inputs.resize(1);  // requires_grad_
    view(node, view_kind(node, program_.graph));
    for (const Argument& output : node.outputs) {
      each_tensor_name(output, [&](const std::string& name) {
        tensors_[id] = tensors_[tensors_of_[name]];
        tensors_of_[name] = id;
      });
    }
  }

  // ---- writes --------------------------------------------------------------------------------------

  void write(Node node, const std::vector<std::string>& written) {
    std::vector<size_t> targets;
    std::vector<TensorMeta> types;
    for (const NamedArgument& input : node.inputs) {
      if (std::find(written.begin(), written.end(), input.name) == written.end()) continue;
      const auto* name = input.arg.get_if<TensorName>();
      if (name == nullptr) return refuse(node, "it writes to a list of tensors");
      targets.push_back(tensor_of(name->name));
      types.push_back(meta_of(targets.back()));
    }
    if (targets.size() != written.size()) return refuse(node, "what it writes to is missing");
    read_inputs(node);
    for (const Argument& output : node.outputs)
      each_tensor_name(output, [&](const std::string& name) { emitter_.release(name); });
    std::string why;
    const auto values = written_values(emitter_, node, types, why);
    if (!values) return refuse(node, why);
    for (size_t i = 0; i < targets.size(); ++i) store(targets[i], (*values)[i], node);
    rename_results(node, targets);
  }

  /// aten.copy, as core ATen spells copy_: its result is the source alone, whatever it stands in for.
  void copy(Node node) {
    const std::string name = node.outputs[0].get_if<TensorName>()->name;
    const TensorMeta type = meta_of(name);
    read_inputs(node);
    emitter_.release(name);
    node.target = "torch.ops.aten.copy_.default";
    std::string why;
    const auto values = written_values(emitter_, node, {type}, why);
    if (!values) return refuse(node, why);
    const size_t made = fresh(name);
    tensors_[made].value = memories_[tensors_[made].memory].value = values->front();
  }

  void refuse(const Node& node, const std::string& why) {
    problem(cat(place_of(node), ": ", why));
    make_results(node);
  }

  /// The results of an in-place call are what it wrote to.
  void rename_results(const Node& node, const std::vector<size_t>& targets) {
    size_t i = 0;
    for (const Argument& output : node.outputs) {
      each_tensor_name(output, [&](const std::string& name) {
        if (i < targets.size()) tensors_of_[name] = targets[i];
        ++i;
      });
    }
  }

  /// Makes `value` the tensor's value, and what follows from it the value of its memory.
  void store(size_t id, const std::string& value, const Node& node) {
    const auto path = tensors_[id].path;
    std::vector<std::string> sources{memories_[tensors_[id].memory].value};
    for (size_t i = 0; i + 1 < path.size(); ++i) {
      const auto inner = view_again(emitter_, *path[i], sources.back());
      if (!inner)
        return problem(cat(place_of(node), ": it writes through ", operator_name(path[i]->call.target).str(),
                           ", a view that depends on how memory is laid out"));
      sources.push_back(*inner);
    }
    std::string result = value;
    for (size_t i = path.size(); i-- > 0;) {
      const auto outer = write_back(emitter_, *path[i], sources[i], result, node);
      if (!outer)
        return problem(cat(place_of(node), ": it writes through ", operator_name(path[i]->call.target).str(),
                           ", whose source cannot be put together again"));
      result = *outer;
    }
    Memory& memory = memories_[tensors_[id].memory];
    memory.value = result;
    ++memory.version;
    tensors_[id].value = value;
    tensors_[id].version = memory.version;
    writers_[tensors_[id].memory].push_back(place_of(node));
    for (const size_t other : memory.perhaps) {
      memories_[other].unreadable = cat(place_of(node),
                                        ": it writes to what may be a view or a copy of another value that is read "
                                        "later, depending on run-time sizes");
    }
  }

  // ---- state ---------------------------------------------------------------------------------------

  /// Results that depend on what a buffer held at first, while the model changes that buffer: every call would need
  /// what the call before has left.
  void find_state() {
    std::unordered_set<std::string> read;
    for (const Node& node : program_.graph.nodes) {
      for (const NamedArgument& input : node.inputs)
        each_tensor_name(input.arg, [&](const std::string& name) { read.insert(name); });
    }
    std::unordered_set<std::string> changed;  // by programs that are functional already
    for (const OutputSpec& spec : program_.signature.outputs) {
      if (spec.kind == OutputSpec::Kind::kUserOutput || spec.kind == OutputSpec::Kind::kLoss) {
        each_tensor_name(spec.arg, [&](const std::string& name) { read.insert(name); });
      } else if (!spec.target.empty() && spec.kind != OutputSpec::Kind::kUserInputMutation) {
        changed.insert(spec.target);
      }
    }
    for (const InputSpec& spec : program_.signature.inputs) {
      const auto* name = spec.arg.get_if<TensorName>();
      if (name == nullptr || spec.kind == InputSpec::Kind::kUserInput || !read.contains(name->name)) continue;
      const auto writers = writers_.find(tensors_[tensor_of(name->name)].memory);
      const std::string what =
          cat("the results depend on ", spec.target, ", which every call changes: what it holds would be lost");
      if (writers != writers_.end()) {
        for (const std::string& place : writers->second) problem(cat(place, ": ", what));
      } else if (changed.contains(spec.target)) {
        problem(what);
      }
    }
  }

  ExportedProgram& program_;
  Emitter emitter_;
  std::vector<Memory> memories_;
  std::vector<Tensor> tensors_;
  std::unordered_map<std::string, size_t> tensors_of_;
  std::map<size_t, std::vector<std::string>> writers_;
  std::vector<std::string> problems_;
  std::unordered_set<std::string> known_problems_;
};

}  // namespace

void functionalise(ExportedProgram& program, const std::map<std::string, std::string, std::less<>>& canonical) {
  if (anything_written(program)) Pass(program, canonical).run();
}

}  // namespace graftwork::pt2
