#include "graftwork/import/captured/functional/functionalise.h"

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/captured/argument_names.h"
#include "graftwork/import/captured/functional/emitter.h"
#include "graftwork/import/captured/functional/hidden_state.h"
#include "graftwork/import/captured/functional/remove_dead.h"
#include "graftwork/import/captured/functional/view.h"
#include "graftwork/import/captured/functional/write_back.h"
#include "graftwork/import/captured/functional/written_value.h"
#include "graftwork/import/captured/origin.h"

namespace graftwork::core::captured {
namespace {

bool is_copy(const Call& call) {
  return call.op == Symbol("aten.copy.default") && call.inputs.size() >= 2 && call.inputs[1].arg.is<TensorName>() &&
         call.outputs.size() == 1 && call.outputs[0].is<TensorName>();
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
  explicit Pass(Program& program) : program_(program), emitter_(program) { add_inputs(); }

  void run() {
    std::vector<Call> calls = std::move(program_.calls);
    program_.calls.clear();
    for (Call& call : calls) add(std::move(call));
    for (Output& output : program_.outputs) read_result(output.arg);
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

  void add_inputs() {
    std::unordered_map<std::string, size_t> stored;  // tied parameters are one tensor
    for (const Input& input : program_.inputs) {
      const auto* name = input.arg.get_if<TensorName>();
      if (name == nullptr) continue;
      if (input.kind != Input::Kind::kStored) {
        fresh(name->name);
        continue;
      }
      const auto [known, first] = stored.emplace(input.stored, 0);
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
    const auto found = program_.tensors.find(name);
    if (found == program_.tensors.end()) {
      throw Error("pt2.graph", cat("%", name, " has no type"), "exporting the model again");
    }
    return found->second;
  }

  /// The name of the tensor's value as it is now.
  std::string current(size_t id, const Call& reader) {
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

  void add(Call call) {
    forget_statistics(call);
    const Symbol op = call.op;
    Symbol functional;
    if (reshapes_itself(op, functional)) return reshape_in_place(std::move(call), functional);
    const std::vector<std::string> written = written_arguments(op);
    if (!written.empty()) return write(std::move(call), written);
    if (is_copy(call)) return copy(std::move(call));
    const ViewKind kind = view_kind(call, program_.tensors);
    if (kind != ViewKind::kNone) return view(std::move(call), kind);
    read_inputs(call);
    make_results(call);
    emitter_.append(std::move(call));
  }

  /// Batch norm in training writes its statistics without saying so: it goes without them.
  void forget_statistics(Call& call) {
    if (!writes_statistics(call)) return;
    for (const std::string& name : take_statistics(call)) {
      memories_[tensors_[tensor_of(name)].memory].unreadable =
          cat(place_of(call), ": it reads the running statistics that ", call.op.str(), " has changed before");
    }
  }

  void read_inputs(Call& call) {
    for (NamedArgument& input : call.inputs) {
      each_tensor_name(input.arg, [&](std::string& name) {
        const size_t id = tensor_of(name);
        name = current(id, call);
      });
    }
  }

  void make_results(const Call& call) {
    for (const Argument& output : call.outputs) each_tensor_name(output, [&](const std::string& name) { fresh(name); });
  }

  void read_result(Argument& argument) {
    Call reader;
    reader.name = "output";
    each_tensor_name(argument, [&](std::string& name) {
      const size_t id = tensor_of(name);
      name = current(id, reader);
    });
  }

  // ---- views ---------------------------------------------------------------------------------------

  void view(Call call, ViewKind kind) {
    const size_t source = tensor_of(call.inputs[0].arg.get_if<TensorName>()->name);
    ViewStep step{.kind = kind, .call = {}, .result = 0, .source = meta_of(source), .view = {}, .offset = 0};
    read_inputs(call);
    step.call = call;
    const int64_t axis = split_axis(call, step.source);
    for (const Argument& output : call.outputs) {
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
        const auto extent = has_axis ? step.view.sizes[static_cast<size_t>(axis)].maybe_value() : std::nullopt;
        step.offset = step.offset && extent ? std::optional(*step.offset + *extent) : std::nullopt;
      });
    }
    emitter_.append(std::move(call));
  }

  static int64_t split_axis(const Call& call, const TensorMeta& source) {
    int64_t axis = 0;
    for (const NamedArgument& input : call.inputs) {
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
  void reshape_in_place(Call call, Symbol functional) {
    const auto* target = call.inputs.empty() ? nullptr : call.inputs[0].arg.get_if<TensorName>();
    if (target == nullptr) return problem(cat(place_of(call), ": it changes the shape of something that is no tensor"));
    const size_t id = tensor_of(target->name);
    call.op = functional;
    if (functional == Symbol("aten.alias.default")) call.inputs.resize(1);  // requires_grad_
    view(call, view_kind(call, program_.tensors));
    for (const Argument& output : call.outputs) {
      each_tensor_name(output, [&](const std::string& name) {
        tensors_[id] = tensors_[tensors_of_[name]];
        tensors_of_[name] = id;
      });
    }
  }

  // ---- writes --------------------------------------------------------------------------------------

  void write(Call call, const std::vector<std::string>& written) {
    std::vector<size_t> targets;
    std::vector<TensorMeta> types;
    for (const NamedArgument& input : call.inputs) {
      if (std::find(written.begin(), written.end(), input.name) == written.end()) continue;
      const auto* name = input.arg.get_if<TensorName>();
      if (name == nullptr) return refuse(call, "it writes to a list of tensors");
      targets.push_back(tensor_of(name->name));
      types.push_back(meta_of(targets.back()));
    }
    if (targets.size() != written.size()) return refuse(call, "what it writes to is missing");
    read_inputs(call);
    for (const Argument& output : call.outputs)
      each_tensor_name(output, [&](const std::string& name) { emitter_.release(name); });
    std::string why;
    const auto values = written_values(emitter_, call, types, why);
    if (!values) return refuse(call, why);
    for (size_t i = 0; i < targets.size(); ++i) store(targets[i], (*values)[i], call);
    rename_results(call, targets);
  }

  /// aten.copy, as core ATen spells copy_: its result is the source alone, whatever it stands in for.
  void copy(Call call) {
    const std::string name = call.outputs[0].get_if<TensorName>()->name;
    const TensorMeta type = meta_of(name);
    read_inputs(call);
    emitter_.release(name);
    call.op = "aten.copy_.default";
    std::string why;
    const auto values = written_values(emitter_, call, {type}, why);
    if (!values) return refuse(call, why);
    const size_t made = fresh(name);
    tensors_[made].value = memories_[tensors_[made].memory].value = values->front();
  }

  void refuse(const Call& call, const std::string& why) {
    problem(cat(place_of(call), ": ", why));
    make_results(call);
  }

  /// The results of an in-place call are what it wrote to.
  void rename_results(const Call& call, const std::vector<size_t>& targets) {
    size_t i = 0;
    for (const Argument& output : call.outputs) {
      each_tensor_name(output, [&](const std::string& name) {
        if (i < targets.size()) tensors_of_[name] = targets[i];
        ++i;
      });
    }
  }

  /// Makes `value` the tensor's value, and what follows from it the value of its memory.
  void store(size_t id, const std::string& value, const Call& call) {
    const auto path = tensors_[id].path;
    std::vector<std::string> sources{memories_[tensors_[id].memory].value};
    for (size_t i = 0; i + 1 < path.size(); ++i) {
      const auto inner = view_again(emitter_, *path[i], sources.back());
      if (!inner)
        return problem(cat(place_of(call), ": it writes through ", path[i]->call.op.str(),
                           ", a view that depends on how memory is laid out"));
      sources.push_back(*inner);
    }
    std::string result = value;
    for (size_t i = path.size(); i-- > 0;) {
      const auto outer = write_back(emitter_, *path[i], sources[i], result, call);
      if (!outer)
        return problem(cat(place_of(call), ": it writes through ", path[i]->call.op.str(),
                           ", whose source cannot be put together again"));
      result = *outer;
    }
    Memory& memory = memories_[tensors_[id].memory];
    memory.value = result;
    ++memory.version;
    tensors_[id].value = value;
    tensors_[id].version = memory.version;
    writers_[tensors_[id].memory].push_back(place_of(call));
    for (const size_t other : memory.perhaps) {
      memories_[other].unreadable = cat(place_of(call),
                                        ": it writes to what may be a view or a copy of another value that is read "
                                        "later, depending on run-time sizes");
    }
  }

  // ---- state ---------------------------------------------------------------------------------------

  /// Results that depend on what a buffer held at first, while the model changes that buffer: every call would need
  /// what the call before has left.
  void find_state() {
    std::unordered_set<std::string> read;
    for (const Call& call : program_.calls) {
      for (const NamedArgument& input : call.inputs)
        each_tensor_name(input.arg, [&](const std::string& name) { read.insert(name); });
    }
    std::unordered_set<std::string> changed;  // by programs that are functional already
    for (const Output& output : program_.outputs) {
      if (output.kind == Output::Kind::kResult) {
        each_tensor_name(output.arg, [&](const std::string& name) { read.insert(name); });
      } else if (output.kind == Output::Kind::kMutation) {
        changed.insert(output.name);
      }
    }
    for (const Input& input : program_.inputs) {
      const auto* name = input.arg.get_if<TensorName>();
      if (name == nullptr || input.kind != Input::Kind::kStored || !read.contains(name->name)) continue;
      const auto writers = writers_.find(tensors_[tensor_of(name->name)].memory);
      const std::string what =
          cat("the results depend on ", input.name, ", which every call changes: what it holds would be lost");
      if (writers != writers_.end()) {
        for (const std::string& place : writers->second) problem(cat(place, ": ", what));
      } else if (changed.contains(input.name)) {
        problem(what);
      }
    }
  }

  Program& program_;
  Emitter emitter_;
  std::vector<Memory> memories_;
  std::vector<Tensor> tensors_;
  std::unordered_map<std::string, size_t> tensors_of_;
  std::map<size_t, std::vector<std::string>> writers_;
  std::vector<std::string> problems_;
  std::unordered_set<std::string> known_problems_;
};

}  // namespace

bool writes_in_place(const Program& program) {
  const auto mutates = [](const Output& output) { return output.kind == Output::Kind::kMutation; };
  const auto writes = [](const Call& call) {
    return !written_arguments(call.op).empty() || writes_statistics(call) || is_copy(call);
  };
  return std::any_of(program.outputs.begin(), program.outputs.end(), mutates) ||
         std::any_of(program.calls.begin(), program.calls.end(), writes);
}

void functionalise(Program& program) {
  if (writes_in_place(program)) Pass(program).run();
}

}  // namespace graftwork::core::captured
