#include "graftwork/import/captured/decompose/decompose.h"

#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/captured/argument_names.h"
#include "graftwork/import/captured/bind_arguments.h"
#include "graftwork/import/captured/decompose/complex_values.h"
#include "graftwork/import/captured/decompose/composites.h"
#include "graftwork/import/captured/decompose/decomposition.h"
#include "graftwork/import/captured/decompose/recorder.h"
#include "graftwork/import/captured/decompose/run_time_sizes.h"
#include "graftwork/import/captured/names_in_use.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/meta_kernels.h"
#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/torch_failure.h"

namespace graftwork::core::captured {
namespace {

constexpr size_t kMostParts = 4096;
constexpr size_t kMostLevels = 8;

/// One run of an operator on tensors without elements.
struct Trial {
  Recorder recorder{is_composite};
  std::vector<std::string> results;    // their names in the recorder; empty for None
  std::vector<std::string> constants;  // keys of those that its form reads
};

/// What a call that is taken apart computes on.
enum class Numbers : uint8_t {
  kReal,     ///< real numbers alone: pairs are nothing else to it
  kPairs,    ///< pairs for complex numbers: it has a form for them
  kComplex,  ///< complex numbers: its parts are to have forms
};

class Pass {
 public:
  Pass(Program& program, TensorStore& tensors, bool is_functional)
      : program_(program),
        names_(names_in_use(program)),
        complex_(program, names_, tensors),
        is_functional_(is_functional) {
    const auto read = [this](const std::string& name) { read_.insert(name); };
    for (const Call& call : program.calls) {
      for (const NamedArgument& input : call.inputs) each_name(input.arg, read);
    }
    for (const Output& output : program.outputs) each_name(output.arg, read);
    for (const Input& input : program.inputs) {
      if (input.kind == Input::Kind::kStored && input.arg.is<TensorName>())
        modules_.emplace(input.arg.get_if<TensorName>()->name, input.name.substr(0, input.name.rfind('.')));
    }
  }

  bool run() {
    provide_meta_kernels();
    std::vector<Call> calls = std::move(program_.calls);
    program_.calls.clear();
    if (is_functional_) complex_.take_over(renaming_);
    for (Call& call : calls) add(std::move(call), 0, Numbers::kComplex);
    for (Output& output : program_.outputs) rename(output.arg);
    if (is_functional_) complex_.give_back();
    return changed_;
  }

 private:
  void rename(Argument& argument) {
    if (renaming_.empty()) return;
    each_name(argument, [&](std::string& name) {
      if (const auto found = renaming_.find(name); found != renaming_.end()) name = found->second;
    });
  }

  /// `numbers` of the call: kReal where it is a part of a form on pairs.
  void add(Call call, size_t level, Numbers numbers) {
    for (NamedArgument& input : call.inputs) rename(input.arg);
    if (!is_functional_ && is_complex(call)) return push(std::move(call));
    if (is_functional_ && numbers != Numbers::kReal && (complex_.touches(call) || takes_real_numbers(call.op)))
      return add_complex(std::move(call), level);
    if (is_functional_ && picks_part(call)) return;
    const bool is_ready = is_functional_ || call.op != Symbol("aten.as_strided.default");
    const bool is_taken_apart = is_composite(call.op) || (find_decomposition(call.op) && is_for(call.op, level > 0));
    if (is_ready && is_taken_apart && tries(call, level, Numbers::kReal)) return;
    push(std::move(call));
  }

  /// Of a program whose complex values are no pairs yet: decompositions are of real numbers.
  bool is_complex(const Call& call) const {
    bool found = false;
    const auto look = [&](const std::string& name) {
      const TensorMeta* meta = meta_of(name);
      found |= meta && meta->dtype.parts;
    };
    for (const NamedArgument& input : call.inputs) each_tensor_name(input.arg, look);
    for (const Argument& output : call.outputs) each_tensor_name(output, look);
    return found;
  }

  void add_complex(Call call, size_t level) {
    if (call.op == Symbol("aten._assert_tensor_metadata.default")) return;
    Call on_pairs = complex_.on_pairs(call);
    if (complex_.move(on_pairs)) {
      changed_ = true;
      return add(std::move(on_pairs), level, Numbers::kReal);
    }
    if (find_pair_form(call.op) && tries(on_pairs, level, Numbers::kPairs)) return;
    if ((is_composite(call.op) || moves(call.op)) && tries(call, level, Numbers::kComplex)) return;
    complex_.keep(std::move(call));
  }

  /// Whether its decomposition moves elements and knows nothing of what they are.
  static bool moves(Symbol op) {
    static const auto all = [] {
      std::unordered_set<Symbol> ops;
      for (const auto& [name, decomposition] : movement_decompositions()) ops.insert(name);
      return ops;
    }();
    return all.contains(op);
  }

  bool tries(const Call& call, size_t level, Numbers numbers) {
    if (level >= kMostLevels) return false;
    try {
      return take_apart(call, level, numbers);
    } catch (...) {
      reason_of_failure();  // it stays what it is: whoever cannot write or run it says so
    }
    return false;
  }

  void push(Call call) {
    note_stack(call);
    program_.calls.push_back(std::move(call));
  }

  // ---- parts of pairs --------------------------------------------------------------------------------

  static const std::string* tensor_name(const Argument* argument) {
    const auto* name = argument ? argument->get_if<TensorName>() : nullptr;
    return name ? &name->name : nullptr;
  }

  void note_stack(const Call& call) {
    const std::string* result = call.outputs.size() == 1 ? tensor_name(call.outputs.data()) : nullptr;
    if (!result) return;
    if (call.op == Symbol("aten.alias.default")) {
      const std::string* self = tensor_name(call.input("self"));
      if (const auto found = self ? stacks_.find(*self) : stacks_.end(); found != stacks_.end())
        stacks_.emplace(*result, found->second);
    }
    const Argument *dim = call.input("dim"), *tensors = call.input("tensors");
    if (call.op != Symbol("aten.stack.default") || !tensors || !dim || !dim->is<int64_t>() ||
        *dim->get_if<int64_t>() != -1)
      return;
    if (const auto* parts = tensors->get_if<std::vector<TensorName>>()) stacks_.emplace(*result, *parts);
  }

  /// What was put together is not taken apart again: one of two stacked tensors is itself.
  bool picks_part(const Call& call) {
    if (call.op != Symbol("aten.select.int") || call.outputs.size() != 1) return false;
    const std::string *self = tensor_name(call.input("self")), *result = tensor_name(call.outputs.data());
    const auto found = self && result ? stacks_.find(*self) : stacks_.end();
    const Argument *dim = call.input("dim"), *index = call.input("index");
    const TensorMeta* meta = self ? meta_of(*self) : nullptr;
    if (found == stacks_.end() || !meta || !dim || !dim->is<int64_t>() || !index || !index->is<int64_t>()) return false;
    const auto rank = static_cast<int64_t>(meta->sizes.size()), count = static_cast<int64_t>(found->second.size());
    const int64_t axis = *dim->get_if<int64_t>(), at = *index->get_if<int64_t>();
    if ((axis != -1 && axis != rank - 1) || at < -count || at >= count) return false;
    const std::string& part = found->second[static_cast<size_t>(at < 0 ? at + count : at)].name;
    const TensorMeta* own = meta_of(part);
    if (!own || own->dtype.known != meta->dtype.known || own->dtype.parts != meta->dtype.parts) return false;
    renaming_[*result] = part;
    changed_ = true;
    return true;
  }

  const TensorMeta* meta_of(const std::string& name) const {
    const auto found = program_.tensors.find(name);
    return found == program_.tensors.end() ? nullptr : &found->second;
  }

  // ---- running ---------------------------------------------------------------------------------------

  /// A tensor without elements; undefined when its type has no name in the graph, or a size has no number or one that
  /// no tensor has.
  static at::Tensor stand_in(const TensorMeta& meta, const RunTimeSizes& sizes, size_t set) {
    constexpr int64_t kMostExtent = int64_t{1} << 40;  // decompositions compute with extents
    if (!meta.dtype.known && !meta.dtype.parts) return {};
    std::vector<int64_t> extents, strides;
    for (const Dim& size : meta.sizes) {
      const auto value = sizes.value(size, set);
      if (!value || *value < 0 || *value > kMostExtent) return {};
      extents.push_back(*value);
    }
    const auto type = meta.dtype.known ? to_torch(*meta.dtype.known) : c10::toComplexType(to_torch(*meta.dtype.parts));
    const auto options = at::TensorOptions(type).device(at::kMeta);
    for (const Dim& stride : meta.strides) {
      if (stride.is_static()) strides.push_back(stride.value());
    }
    if (!sizes.any() && strides.size() == extents.size()) return at::empty_strided(extents, strides, options);
    return at::empty(extents, options);
  }

  bool run(const Call& call, const RunTimeSizes& sizes, size_t set, Numbers numbers, Trial& trial) {
    Scope scope;
    std::unordered_map<const Meaning*, c10::IValue> values;
    std::vector<std::string> names;
    for (const NamedArgument& input : call.inputs) {
      if (holds_number(input.arg)) return false;
      each_tensor_name(input.arg, [&](const std::string& name) { names.push_back(name); });
    }
    for (const std::string& name : names) scope.emplace(name, Meaning());
    PairArguments::Context context;
    for (const std::string& name : names) {
      const TensorMeta* meta = meta_of(name);
      const bool is_complex = numbers != Numbers::kReal && complex_.contains(name);
      at::Tensor tensor;
      if (meta) tensor = stand_in(is_complex && numbers == Numbers::kComplex ? complex_of(*meta) : *meta, sizes, set);
      if (!tensor.defined()) return false;
      if (!values.emplace(&scope.at(name), tensor).second) continue;
      trial.recorder.name(tensor, name);
      if (is_complex) context.pairs.insert(tensor.unsafeGetTensorImpl());
    }
    const BoundArguments bound = bind_arguments(call, scope);
    if (!bound.problems.empty()) return false;
    std::vector<const c10::IValue*> inputs;
    for (const Meaning* operand : bound.operands) inputs.push_back(&values.at(operand));
    const OperatorCall ready(call.op, bound.attrs, inputs.size());
    const torch::jit::Stack arguments = ready.arguments(inputs, at::kMeta);
    const auto handle = find_operator(call.op);
    if (!handle || (numbers != Numbers::kPairs && counts_too_much(*handle, arguments, call))) return false;
    std::vector<bool> read;
    if (result_names(call).empty()) return false;
    for (const std::string& name : result_names(call)) read.push_back(read_.contains(name));
    context.gives_complex = complex_.contains(result_names(call).at(0));
    context.constant = [&](const FormConstant& constant) {
      at::Tensor made = at::empty(constant.shape, at::TensorOptions(constant.dtype).device(at::kMeta));
      trial.recorder.name(made, complex_.name_of(constant));
      trial.constants.push_back(constant.key);
      return made;
    };
    std::vector<c10::IValue> results;
    trial.recorder.record([&] {
      if (numbers == Numbers::kPairs) {
        const Arguments given(handle->schema(), arguments, read);
        for (at::Tensor& result : find_pair_form(call.op)(PairArguments(given, context))) results.emplace_back(result);
        return;
      }
      if (const Decomposition decomposition = find_decomposition(call.op)) {
        for (at::Tensor& result : decomposition(Arguments(handle->schema(), arguments, read)))
          results.emplace_back(result);
        return;
      }
      results = results_in(ready.run(inputs, at::kMeta));
    });
    if (trial.recorder.calls.size() > kMostParts) return false;
    for (const c10::IValue& result : results) {
      if (!result.isTensor()) return false;
      const std::string name = result.toTensor().defined() ? trial.recorder.name_of(result.toTensor()) : std::string();
      if (name.empty() && result.toTensor().defined()) return false;
      trial.results.push_back(name);
    }
    return true;
  }

  static bool holds_number(const Argument& argument) {
    bool holds = false;
    if (argument.is<NumberName>()) return true;
    if (const auto* list = argument.get_if<Argument::List>()) {
      for (const Argument& element : *list) holds |= holds_number(element);
    }
    return holds;
  }

  /// Where a part stands that may be a layer inside of `whole`: the module that has what it reads.
  Provenance layer_of(const Call& part, const Provenance& whole) const {
    Provenance found = whole;
    found.is_body = false;
    const std::string inside = whole.module.empty() ? "" : whole.module.str() + ".";
    for (const NamedArgument& input : part.inputs) {
      each_tensor_name(input.arg, [&](const std::string& name) {
        const auto module = modules_.find(name);
        if (module == modules_.end() || !module->second.starts_with(inside)) return;
        found.module = module->second;
        found.is_body = true;
      });
    }
    return found;
  }

  /// A file may ask for a billion parts: as many as it has names for are made.
  static bool counts_too_much(const c10::OperatorHandle& handle, const torch::jit::Stack& arguments, const Call& call) {
    size_t results = 0;
    for (const Argument& output : call.outputs) each_name(output, [&](const std::string& /*name*/) { ++results; });
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (!arguments[i].isInt()) continue;
      const std::string& name = handle.schema().arguments()[i].name();
      constexpr int64_t kMostTimes = 16;
      if (name == "n" && arguments[i].toInt() > kMostTimes) return true;
      if (name == "sections" && arguments[i].toInt() > static_cast<int64_t>(results)) return true;
      if (name == "chunks" && chunks(handle, arguments) > static_cast<int64_t>(results)) return true;
    }
    return false;
  }

  /// As many as torch makes: fewer than it is asked for where the dimension does not have so many.
  static int64_t chunks(const c10::OperatorHandle& handle, const torch::jit::Stack& arguments) {
    const Arguments given(handle.schema(), arguments, {});
    const at::Tensor& x = given.tensor("self");
    const int64_t asked = given.divisor("chunks"), extent = x.size(given.integer("dim"));
    if (extent == 0) return asked;
    const int64_t width = (extent - 1) / asked + 1;
    return (extent - 1) / width + 1;
  }

  // ---- taking apart ----------------------------------------------------------------------------------

  bool take_apart(const Call& call, size_t level, Numbers numbers) {
    RunTimeSizes sizes;
    for (const NamedArgument& input : call.inputs) {
      each_tensor_name(input.arg, [&](const std::string& name) {
        if (const TensorMeta* meta = meta_of(name)) {
          for (const Dim& size : meta->sizes) sizes.add(size);
        }
      });
    }
    std::array<Trial, RunTimeSizes::kSets> trials;
    const size_t needed = sizes.any() ? trials.size() : 1;
    for (size_t set = 0; set < needed; ++set) {
      if (!run(call, sizes, set, numbers, trials[set])) return false;
    }
    if (trials[0].constants != trials[needed - 1].constants || !complex_.store(trials[0].constants)) return false;
    learn(call, trials[0], trials[needed - 1], sizes);
    return replace(call, sizes, trials[0], trials[needed - 1], level, numbers);
  }

  /// What the program says of the results holds for what is of their sizes on the way, too.
  void learn(const Call& call, const Trial& first, const Trial& second, RunTimeSizes& sizes) const {
    const std::vector<std::string> results = result_names(call);
    for (size_t i = 0; i < std::min(results.size(), first.results.size()); ++i) {
      const TensorMeta* meta = meta_of(results[i]);
      const auto a = first.recorder.tensors.find(first.results[i]), b = second.recorder.tensors.find(second.results[i]);
      if (!meta || a == first.recorder.tensors.end() || b == second.recorder.tensors.end()) continue;
      const std::vector<Dim>&one = a->second.sizes, &other = b->second.sizes;
      for (size_t axis = 0; axis < std::min({meta->sizes.size(), one.size(), other.size()}); ++axis)
        sizes.learn({one[axis].value(), other[axis].value()}, meta->sizes[axis]);
    }
  }

  std::vector<std::string> result_names(const Call& call) const {
    std::vector<std::string> names;
    for (const Argument& output : call.outputs) {
      if (output.is<None>()) names.emplace_back();
      each_name(output, [&](const std::string& name) { names.push_back(name); });
    }
    return names;
  }

  bool replace(const Call& call, const RunTimeSizes& sizes, const Trial& first, const Trial& second, size_t level,
               Numbers numbers) {
    const std::vector<Call>& parts = first.recorder.calls;
    const std::vector<std::string> results = result_names(call);
    if (results.size() > first.results.size() || first.results != second.results) return false;
    if (parts.size() != second.recorder.calls.size()) return false;
    for (const Call& part : parts) {
      if (part.op == call.op && parts.size() == 1 && numbers != Numbers::kPairs) return false;  // nothing but itself
    }
    std::unordered_map<std::string, std::string> names;  // of the recorder → of the program
    std::vector<std::pair<std::string, std::string>> same;
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].empty()) continue;
      const std::string& made = first.results[i];
      if (made.empty()) return false;
      const bool is_made = first.recorder.tensors.contains(made);
      if (!is_made) {
        same.emplace_back(results[i], made);  // an operand as it is
      } else if (!names.emplace(made, results[i]).second) {
        same.emplace_back(results[i], names.at(made));
      }
    }
    std::vector<Call> made;
    NameMap<TensorMeta> metas;
    const std::string base = call.name.empty() ? std::string(operator_name(call.op)) : call.name;
    for (size_t i = 0; i < parts.size(); ++i) {
      Call part = parts[i];
      if (part.op != second.recorder.calls[i].op || !merge(part, second.recorder.calls[i], sizes, call, made))
        return false;
      part.name = cat(base, "_", operator_name(part.op));
      part.provenance = is_made_of_layers(call.op) ? layer_of(part, call.provenance) : call.provenance;
      for (Argument& output : part.outputs) {
        each_tensor_name(output, [&](std::string& name) {
          const auto meta = merged(first.recorder.tensors.at(name), second.recorder.tensors.at(name), sizes);
          auto [known, is_new] = names.emplace(name, "");
          if (is_new) known->second = names_.make(part.name);
          name = known->second;
          if (meta) metas[name] = *meta;
        });
      }
      for (NamedArgument& input : part.inputs) {
        each_tensor_name(input.arg, [&](std::string& name) {
          if (const auto known = names.find(name); known != names.end()) name = known->second;
        });
      }
      if (!part.outputs.empty()) each_name(part.outputs[0], [&](const std::string& name) { part.name = name; });
      made.push_back(std::move(part));
    }
    changed_ = true;
    // What the program says of the results holds; of the rest only we know.
    for (auto& [name, meta] : metas) {
      if (is_functional_ && meta.dtype.parts) {
        complex_.add(name, meta);
      } else {
        program_.tensors.emplace(name, std::move(meta));
      }
    }
    for (auto& [name, other] : same) renaming_[name] = other;
    for (Call& part : made) add(std::move(part), level + 1, numbers == Numbers::kPairs ? Numbers::kReal : numbers);
    return true;
  }

  static std::optional<TensorMeta> merged(const TensorMeta& a, const TensorMeta& b, const RunTimeSizes& sizes) {
    if (a.sizes.size() != b.sizes.size()) return std::nullopt;
    TensorMeta meta{.dtype = a.dtype, .sizes = {}, .strides = a.strides == b.strides ? a.strides : std::vector<Dim>()};
    for (size_t i = 0; i < a.sizes.size(); ++i) {
      const auto size = sizes.size({a.sizes[i].value(), b.sizes[i].value()});
      if (!size) return std::nullopt;
      meta.sizes.push_back(*size);
    }
    return meta;
  }

  /// What differs between the two runs becomes a size, read from an operand of the call that is taken apart.
  bool merge(Call& call, const Call& other, const RunTimeSizes& sizes, const Call& whole, std::vector<Call>& made) {
    if (call.inputs.size() != other.inputs.size()) return false;
    for (size_t i = 0; i < call.inputs.size(); ++i) {
      if (call.inputs[i].name != other.inputs[i].name) return false;
      if (leaves_one_open(call, call.inputs[i].arg, other.inputs[i].arg)) continue;
      if (!merge(call.inputs[i].arg, other.inputs[i].arg, sizes, whole, made)) return false;
    }
    return true;
  }

  /// A shape of which one size changes, which follows from the others.
  static bool leaves_one_open(const Call& call, Argument& a, const Argument& b) {
    const std::string_view name = operator_name(call.op);
    auto* sizes = std::get_if<std::vector<int64_t>>(&a.value);
    const auto* others = b.get_if<std::vector<int64_t>>();
    if ((name != "view" && name != "reshape") || !sizes || !others || sizes->size() != others->size()) return false;
    int64_t* changing = nullptr;
    for (size_t i = 0; i < sizes->size(); ++i) {
      if ((*sizes)[i] < 1 || ((*sizes)[i] != (*others)[i] && changing)) return false;
      if ((*sizes)[i] != (*others)[i]) changing = &(*sizes)[i];
    }
    if (changing) *changing = -1;
    return changing != nullptr;
  }

  bool merge(Argument& a, const Argument& b, const RunTimeSizes& sizes, const Call& whole, std::vector<Call>& made) {
    if (a.value.index() != b.value.index()) return false;
    if (const auto* number = a.get_if<int64_t>()) {
      if (*number == *b.get_if<int64_t>()) return true;
      return as_size(a, {*number, *b.get_if<int64_t>()}, sizes, whole, made);
    }
    if (const auto* numbers = a.get_if<std::vector<int64_t>>()) {
      const auto& others = *b.get_if<std::vector<int64_t>>();
      if (*numbers == others) return true;
      if (numbers->size() != others.size()) return false;
      Argument::List list;
      for (size_t i = 0; i < numbers->size(); ++i) {
        Argument element{(*numbers)[i]};
        if (!merge(element, Argument{others[i]}, sizes, whole, made)) return false;
        list.push_back(std::move(element));
      }
      a = Argument{std::move(list)};
      return true;
    }
    if (auto* list = std::get_if<Argument::List>(&a.value)) {
      const auto& others = *b.get_if<Argument::List>();
      if (list->size() != others.size()) return false;
      for (size_t i = 0; i < list->size(); ++i) {
        if (!merge((*list)[i], others[i], sizes, whole, made)) return false;
      }
      return true;
    }
    if (const auto* number = a.get_if<double>()) {
      const double other = *b.get_if<double>();
      return *number == other || (std::isnan(*number) && std::isnan(other));
    }
    return true;
  }

  bool as_size(Argument& argument, std::array<int64_t, RunTimeSizes::kSets> numbers, const RunTimeSizes& sizes,
               const Call& whole, std::vector<Call>& made) {
    const auto size = sizes.size(numbers);
    if (!size) return false;
    for (const NamedArgument& input : whole.inputs) {
      std::vector<std::string> operands;
      each_tensor_name(input.arg, [&](const std::string& name) { operands.push_back(name); });
      for (const std::string& operand : operands) {
        const TensorMeta& meta = *meta_of(operand);
        for (size_t axis = 0; axis < meta.sizes.size(); ++axis) {
          if (meta.sizes[axis] != *size) continue;
          const std::string name = names_.make(cat(operand, "_size_", axis));
          made.push_back(size_call(operand, axis, name, whole));
          argument = Argument{NumberName{name}};
          return true;
        }
      }
    }
    return false;
  }

  Program& program_;
  UniqueNames names_;
  ComplexValues complex_;
  std::unordered_set<std::string> read_;
  std::unordered_map<std::string, std::string> modules_;  // of stored tensors
  bool is_functional_;
  bool changed_ = false;
  std::unordered_map<std::string, std::string> renaming_;            // results that are operands, or each other
  std::unordered_map<std::string, std::vector<TensorName>> stacks_;  // along a last dimension, by their result
};

}  // namespace

bool decompose(Program& program, TensorStore& tensors, bool is_functional) {
  return Pass(program, tensors, is_functional).run();
}

}  // namespace graftwork::core::captured
