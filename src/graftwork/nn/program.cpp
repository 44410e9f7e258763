#include "graftwork/nn/program.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kinds/quant.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/half.h"
#include "graftwork/nn/input_text.h"
#include "graftwork/nn/mask_values.h"
#include "graftwork/nn/runnable_operators.h"
#include "graftwork/nn/size_arithmetic.h"
#include "graftwork/nn/torch_failure.h"

namespace graftwork::core {

struct Program::Step {
  enum class Form : uint8_t {
    kInput,
    kConstant,
    kModule,
    kLayer,
    kOperator,
    kSize,
    kPrepared,
    kTuple,
    kElement,
    kRound
  };
  Form form = Form::kInput;
  const Node* node = nullptr;  // of the network, for messages
  bool half = false;           // computes in FP16
  bool rounds = false;         // what it gives is rounded to FP16
  ModuleId module;             // kModule, kLayer
  ModuleId quantizer;          // kModule, kLayer: of its weight
  ModuleId batch_norm;         // kLayer: folded
  ParamExpr const* constant = nullptr;
  std::vector<c10::IValue> numbers;              // kSize: operands that are no values
  std::vector<std::pair<size_t, size_t>> sizes;  // kSize: where in `numbers` an operand belongs
  int64_t element = 0;                           // kElement
  std::unique_ptr<OperatorCall> call;
  std::unique_ptr<const PreparedModule> prepared;
  std::vector<size_t> operands;
  size_t value = 0;               // the number of the step
  std::vector<size_t> last_uses;  // values that nobody reads after this step
  std::vector<ValueRef> watched;
};

/// The steps of one node: they make the values from `first` on, and read those, and its operands.
struct Program::Part {
  size_t first = 0, last = 0;                       // of the steps, one behind the end
  std::vector<std::pair<size_t, size_t>> operands;  // by value, in order: which operand it is
  std::vector<size_t> results;                      // values; several where a body gives a tuple
};

namespace {

/// MKL's vector functions choose their code on their first call. Two threads that do so at once were seen to compute
/// exp with an error of 1e-4 in one of them; so the first call is made here, by one thread.
void choose_vector_code() { [[maybe_unused]] static const at::Tensor once = at::exp(at::zeros({1})); }

}  // namespace

class Program::Builder {
 public:
  Builder(Program& program, const std::vector<ValueRef>& watched, const Preparer& prepare, const HalfRegions* half)
      : program_(program), modules_(program.module_.modules()), watched_(watched), prepare_(prepare), half_(half) {
    for (const ValueRef& value : watched) {
      if (!value.inner.empty()) watched_inside_.insert(value.node);
    }
  }

  void run() {
    program_.parts_.resize(program_.module_.graph().capacity());
    for (const Node& node : program_.module_.graph().nodes()) {
      const size_t first = program_.steps_.size();
      add(node);
      if (!half_ && node.kind() != NodeKind::kOutput && node.kind() != NodeKind::kGetItem) add_part_of(node, first);
    }
    if (!unknown_.empty()) {
      Error error("nn.unsupported", cat(counted(unknown_.size(), "operator"), " cannot be run"));
      for (std::string& place : unknown_) error.at(std::move(place));
      throw error;
    }
    find_last_uses();
    for (const ValueRef& value : watched_) watch(value);
  }

 private:
  Step& step(Step::Form form, const Node& node, std::vector<size_t> operands) {
    Step& made = program_.steps_.emplace_back();
    made.form = form;
    made.node = &node;
    made.half = made.rounds = computes_in_half(node);
    made.operands = std::move(operands);
    made.value = program_.steps_.size() - 1;
    return made;
  }

  bool is_narrow(const Node& node) const {
    return half_ && !is_wide(half_->wide, node) && !half_->masks.holds_finite_mask(node);
  }
  /// What a stub gives is codes times a scale; that rounds where it is read.
  bool computes_in_half(const Node& node) const {
    const bool computes = node.kind() != NodeKind::kInput && node.kind() != NodeKind::kConstant;
    return computes && !is_quant_stub(node) && is_narrow(node);
  }

  bool reads_in_half(const Node& reader, const Node& input) const {
    if (reader.kind() == NodeKind::kOutput) return is_narrow(reader) && input.kind() == NodeKind::kConstant;
    // Q takes what is FP32 as it is, but for an input of the network, which is cast.
    if (is_quant_stub(reader)) return is_narrow(reader) && input.kind() == NodeKind::kInput;
    return computes_in_half(reader);
  }

  std::vector<size_t> operands(const Node& node) {
    std::vector<size_t> found;
    for (const Use& use : node.inputs()) {
      const Node& input = *use.producer();
      const bool is_mask = half_ && half_->masks.holds_finite_mask(input);
      const bool rounds = !is_mask && reads_in_half(node, input) && !computes_in_half(input);
      found.push_back(rounds ? in_half(input) : values_.at(&input));
    }
    return found;
  }

  /// What a node that computes in FP16 reads of one that does not, of an input, of a constant.
  size_t in_half(const Node& node) {
    const auto [known, is_new] = rounded_.try_emplace(&node, 0);
    if (is_new) {
      Step& made = step(Step::Form::kRound, node, {values_.at(&node)});
      made.rounds = true;
      known->second = made.value;
    }
    return known->second;
  }

  void add(const Node& node) {
    switch (node.kind()) {
      case NodeKind::kInput:
        values_[&node] = step(Step::Form::kInput, node, {}).value;
        program_.inputs_.push_back(&node);
        return;
      case NodeKind::kConstant: {
        Step& made = step(Step::Form::kConstant, node, {});
        made.constant = &node.constant();
        values_[&node] = made.value;
        return;
      }
      case NodeKind::kOutput:
        program_.results_ = operands(node);
        return;
      case NodeKind::kCallModule:
        return add_module(node);
      case NodeKind::kGetItem:
        values_[&node] = element(node, node, operands(node)[0], &node.input(0));
        return;
      default:
        values_[&node] = operation(node, node.op(), node.attrs(), operands(node));
    }
  }

  void add_part_of(const Node& node, size_t first) {
    Part& part = program_.parts_[node.id().index];
    part.first = first;
    part.last = program_.steps_.size();
    for (const Use& use : node.inputs()) part.operands.emplace_back(values_.at(use.producer()), use.slot());
    std::sort(part.operands.begin(), part.operands.end());
    const auto several = results_.find(&node);
    part.results = several == results_.end() ? std::vector{values_.at(&node)} : several->second;
  }

  size_t element(const Node& place, const Node& item, size_t tuple, const Node* source) {
    // A body's results need not become a tuple first.
    if (const auto known = results_.find(source); known != results_.end())
      return known->second.at(static_cast<size_t>(item.item_index()));
    Step& made = step(Step::Form::kElement, place, {tuple});
    made.element = item.item_index();
    return made.value;
  }

  size_t operation(const Node& place, Symbol op, const AttrMap& attrs, std::vector<size_t> inputs) {
    if (is_size_operator(op)) return size_operation(place, attrs, std::move(inputs));
    const size_t count = inputs.size();
    Step& made = step(Step::Form::kOperator, place, std::move(inputs));
    if (find_operator(op) && !may_run(op)) {
      unknown_.push_back(cat(place_of(place), ": ", why_it_does_not_run(op)));
      return made.value;
    }
    try {
      made.call = std::make_unique<OperatorCall>(op, made.half ? constants_in_half(attrs) : attrs, count);
    } catch (const Error& error) {
      unknown_.push_back(place_of(place) + ": " + error.message());
    }
    return made.value;
  }

  size_t size_operation(const Node& place, const AttrMap& attrs, std::vector<size_t> inputs) {
    Step& made = step(Step::Form::kSize, place, std::move(inputs));
    for (const auto& [name, attr] : attrs) {
      if (const InputRef* ref = attr.get<InputRef>()) {
        made.sizes.emplace_back(made.numbers.size(), ref->slot);
        made.numbers.emplace_back();
      } else if (const int64_t* whole = attr.get<int64_t>()) {
        made.numbers.emplace_back(*whole);
      } else if (const double* real = attr.get<double>()) {
        made.numbers.emplace_back(*real);
      }
    }
    return made.value;
  }

  void add_module(const Node& node) {
    const ModuleRecord& record = program_.module_.record(node);
    if (!record.body) {
      Step& made = step(Step::Form::kModule, node, operands(node));
      made.module = node.module();
      made.quantizer = weight_quantizer(record);
      values_[&node] = made.value;
      return;
    }
    const std::vector<size_t> inputs = operands(node);
    const size_t first = program_.steps_.size();
    std::vector<size_t> results = add_body(node, record, inputs, true);
    // A kernel computes in wider registers: what it gives is rounded, not what is inside.
    for (size_t i = first; i < program_.steps_.size(); ++i) {
      Step& inside = program_.steps_[i];
      inside.rounds = inside.half && std::find(results.begin(), results.end(), inside.value) != results.end();
    }
    if (results.size() == 1) {
      values_[&node] = results[0];
      return;
    }
    results_[&node] = results;
    const bool needs_tuple = has_other_readers(node);
    values_[&node] = needs_tuple ? step(Step::Form::kTuple, node, results).value : SIZE_MAX;
  }

  /// Readers of a tuple that want the whole of it.
  static bool has_other_readers(const Node& node) {
    for (const Use* use = node.uses(); use; use = use->next()) {
      if (use->user()->kind() != NodeKind::kGetItem) return true;
    }
    return false;
  }

  /// The steps of a body; the values of its results.
  std::vector<size_t> add_body(const Node& place, const ModuleRecord& record, const std::vector<size_t>& inputs,
                               bool is_called_by_network) {
    const ResolvedBody& body = *record.body;
    std::vector<size_t> raw(body.module.graph().capacity(), SIZE_MAX);   // what results read
    std::vector<size_t> read(body.module.graph().capacity(), SIZE_MAX);  // what later nodes of the body read
    Prepared prepared;
    if (is_called_by_network && prepare_ && !watched_inside_.contains(&place) && value_quantizers(record).empty())
      prepared = prepare_(program_.module_, place);
    const auto at = [](const Node& node) { return node.id().index; };
    std::unordered_map<const Node*, std::vector<size_t>> tuples;
    size_t next_input = 0;
    for (const Node& node : body.module.graph().nodes()) {
      std::vector<size_t> operands;
      const bool is_result_list = node.kind() == NodeKind::kOutput;
      for (const Use& use : node.inputs()) operands.push_back((is_result_list ? raw : read)[at(*use.producer())]);
      const bool is_replaced =
          std::find(prepared.replaces.begin(), prepared.replaces.end(), &node) != prepared.replaces.end();
      size_t made = SIZE_MAX;
      if (is_replaced) {
        if (&node != prepared.replaces.back()) continue;
        operands.clear();
        for (const Node* input : prepared.inputs) operands.push_back(read[at(*input)]);
        Step& quick = step(Step::Form::kPrepared, place, std::move(operands));
        quick.prepared = std::move(prepared.module);
        made = quick.value;
      } else if (node.kind() == NodeKind::kInput) {
        made = inputs[next_input++];
      } else if (node.kind() == NodeKind::kOutput) {
        return operands;
      } else if (node.kind() == NodeKind::kCallPart) {
        made = add_part(place, record, node, operands, tuples);
      } else if (node.kind() == NodeKind::kGetItem) {
        const auto known = tuples.find(&node.input(0));
        made = known != tuples.end() ? known->second.at(static_cast<size_t>(node.item_index()))
                                     : element(place, node, operands[0], nullptr);
      } else {
        made = operation(place, node.op(), attributes_in(node, record, modules_.kinds()), std::move(operands));
      }
      raw[at(node)] = read[at(node)] = made;
      inner_.insert_or_assign({&place, node.name()}, made);
      if (const ModuleId stub = record.child(value_quantizer_role(node.name()))) {
        Step& quantize = step(Step::Form::kModule, place, {made});
        quantize.module = stub;
        read[at(node)] = quantize.value;
      }
    }
    return {};
  }

  size_t add_part(const Node& place, const ModuleRecord& record, const Node& call, std::vector<size_t> operands,
                  std::unordered_map<const Node*, std::vector<size_t>>& tuples) {
    const ModuleId id = record.child(call.role());
    const ModuleRecord& part = modules_[id];
    if (part.body) {
      std::vector<size_t> results = add_body(place, part, operands, false);
      if (results.size() == 1) return results[0];
      tuples[&call] = results;
      return step(Step::Form::kTuple, place, std::move(results)).value;
    }
    const std::vector<BodyLayer>& layers = record.body->layers;
    const auto layer =
        std::find_if(layers.begin(), layers.end(), [&](const BodyLayer& one) { return one.role == call.role(); });
    if (computes_in_half(place)) {
      const bool is_folded =
          std::any_of(layers.begin(), layers.end(), [&](const BodyLayer& one) { return one.batch_norm == &call; });
      if (is_folded) return operands[0];
      if (layer != layers.end() && layer->batch_norm) {
        Step& folded = step(Step::Form::kLayer, place, std::move(operands));
        folded.module = id;
        folded.quantizer = weight_quantizer(record, *layer);
        folded.batch_norm = record.child(layer->batch_norm->role());
        return folded.value;
      }
    }
    Step& made = step(Step::Form::kModule, place, std::move(operands));
    made.module = id;
    if (layer != layers.end()) made.quantizer = weight_quantizer(record, *layer);
    return made.value;
  }

  void find_last_uses() {
    std::vector<bool> read_later(program_.steps_.size(), false);
    for (const size_t result : program_.results_) read_later[result] = true;
    for (auto at = program_.steps_.rbegin(); at != program_.steps_.rend(); ++at) {
      for (const size_t operand : at->operands) {
        if (!read_later[operand]) at->last_uses.push_back(operand);
        read_later[operand] = true;
      }
      if (!read_later[at->value]) at->last_uses.push_back(at->value);
    }
  }

  void watch(const ValueRef& wanted) {
    size_t value = SIZE_MAX;
    if (wanted.inner.empty()) {
      value = values_.at(wanted.node);
    } else if (const auto inner = inner_.find({wanted.node, wanted.inner}); inner != inner_.end()) {
      value = inner->second;
    } else {
      throw Error("nn.value", cat("%", wanted.node->name().str(), " has no value ", wanted.inner.str(), " in it"));
    }
    if (value < program_.steps_.size()) program_.steps_[value].watched.push_back(wanted);
  }

  Program& program_;
  const ModuleTable& modules_;
  const std::vector<ValueRef>& watched_;
  const Preparer& prepare_;
  const HalfRegions* half_;
  std::unordered_set<const Node*> watched_inside_;                // calls
  std::unordered_map<const Node*, size_t> values_;                // of the network's nodes
  std::unordered_map<const Node*, size_t> rounded_;               // the same in FP16, where they are not already
  std::unordered_map<const Node*, std::vector<size_t>> results_;  // of calls with several results
  std::map<std::pair<const Node*, Symbol>, size_t> inner_;        // of calls, by name of the inner value
  std::vector<std::string> unknown_;
};

Program::Program(const GraphModule& module, std::vector<ValueRef> watched, const Preparer& prepare,
                 const HalfRegions* half)
    : module_(module) {
  choose_vector_code();
  Builder(*this, watched, prepare, half).run();
}

Program::~Program() = default;
Program::Program(Program&&) noexcept = default;

void check_input(const Node& input, const at::Tensor& tensor, bool any_batch) {
  const TensorType* type = input.tensor();
  if (!type) return;
  if (!tensor.defined() || tensor.layout() != at::kStrided) {
    throw Error("nn.input", cat(input_text(input.name()), " is ", type->text(), ", the tensor given is ",
                                tensor.defined() ? "sparse" : "undefined"));
  }
  check_input(input, type_of(tensor), any_batch);
}

void check_input(const Node& input, const TensorType& given, bool any_batch) {
  const TensorType* type = input.tensor();
  if (!type) return;
  bool fits = given.dtype == type->dtype && given.rank() == type->rank();
  for (size_t i = any_batch ? 1 : 0; fits && i < given.rank(); ++i)
    fits = !type->dims[i].is_static() || type->dims[i] == given.dims[i];
  if (!fits)
    throw Error("nn.input", cat(input_text(input.name()), " is ", type->text(), ", the data is ", given.text()));
}

Program::Run::Run(const Program& program, std::span<const at::Tensor> inputs, const Environment& environment)
    : program_(&program),
      inputs_(inputs),
      environment_(environment),
      device_(inputs.empty() || !inputs[0].defined() ? c10::Device(c10::kCPU) : inputs[0].device()),
      values_(program.steps_.size()) {
  if (inputs.size() != program.inputs_.size()) {
    throw Error("nn.input",
                cat("the network takes ", counted(program.inputs_.size(), "input"), ", not ", inputs.size()));
  }
}

bool Program::Run::advance() {
  Operands operands;
  const bool asks = environment_.interrupted && *environment_.interrupted;
  while (next_step_ < program_->steps_.size()) {
    if (asks && (*environment_.interrupted)()) throw Error("interrupted", "stopped while the network ran");
    const Step& step = program_->steps_[next_step_++];
    if (step.form == Step::Form::kInput) {
      check_input(*step.node, inputs_[next_input_], environment_.any_batch);
      values_[step.value] = inputs_[next_input_++];
    } else {
      operands.clear();
      for (const size_t operand : step.operands) operands.push_back(&values_[operand]);
      values_[step.value] = program_->run_step(step, operands, environment_, device_);
      if (step.rounds) values_[step.value] = rounded_to_half(values_[step.value]);
    }
    for (const ValueRef& watched : step.watched) {
      if (!environment_.watcher || !values_[step.value].isTensor()) continue;
      at::Tensor value = values_[step.value].toTensor();
      environment_.watcher(watched, value);
      values_[step.value] = std::move(value);
    }
    for (const size_t dead : step.last_uses) values_[dead] = c10::IValue();
    if (!step.watched.empty()) return true;
  }
  return false;
}

std::vector<at::Tensor> Program::Run::results() const {
  std::vector<at::Tensor> results;
  for (const size_t result : program_->results_) {
    const c10::IValue& value = values_[result];
    if (!value.isTensor()) throw Error("nn.output", "a result of the network is no tensor");
    results.push_back(value.toTensor());
  }
  return results;
}

Program::Run Program::start(std::span<const at::Tensor> inputs, const Environment& environment) const {
  return {*this, inputs, environment};
}

std::vector<at::Tensor> Program::run(std::span<const at::Tensor> inputs, const Environment& environment) const {
  Run run = start(inputs, environment);
  while (run.advance()) {
  }
  return run.results();
}

c10::IValue Program::run_node(const Node& node, std::span<const c10::IValue> operands, const Environment& environment,
                              c10::Device device) const {
  const Part& part = parts_.at(node.id().index);
  GRAFTWORK_ASSERT(operands.size() == part.operands.size());
  std::vector<c10::IValue> made(part.last - part.first);
  const auto value_at = [&](size_t value) -> const c10::IValue& {
    if (value >= part.first) return made[value - part.first];
    return operands[std::lower_bound(part.operands.begin(), part.operands.end(), std::pair(value, size_t{0}))->second];
  };
  const auto is_result = [&](size_t value) { return std::ranges::find(part.results, value) != part.results.end(); };
  Operands read;
  for (size_t i = part.first; i < part.last; ++i) {
    read.clear();
    for (const size_t operand : steps_[i].operands) read.push_back(&value_at(operand));
    made[i - part.first] = run_step(steps_[i], read, environment, device);
    for (const size_t dead : steps_[i].last_uses) {
      if (dead >= part.first && !is_result(dead)) made[dead - part.first] = c10::IValue();
    }
  }
  if (part.results.size() == 1) return value_at(part.results[0]);
  std::vector<c10::IValue> several;
  for (const size_t result : part.results) several.push_back(value_at(result));
  return c10::ivalue::Tuple::create(std::move(several));
}

c10::IValue Program::run_step(const Step& step, const Operands& operands, const Environment& environment,
                              c10::Device device) const {
  try {
    switch (step.form) {
      case Step::Form::kInput:
        break;
      case Step::Form::kConstant:
        return evaluate(*step.constant, environment.tensors);
      case Step::Form::kElement:
        return operands[0]->toTupleRef().elements().at(static_cast<size_t>(step.element));
      case Step::Form::kTuple: {
        std::vector<c10::IValue> elements;
        for (const c10::IValue* operand : operands) elements.push_back(*operand);
        return c10::ivalue::Tuple::create(std::move(elements));
      }
      case Step::Form::kModule: {
        std::vector<c10::IValue> inputs;
        for (const c10::IValue* operand : operands) inputs.push_back(*operand);
        const Mode mode = environment.modes.empty() ? environment.mode : environment.modes[step.module.index];
        return run_module(module_.modules()[step.module], inputs,
                          {module_.modules(), environment.tensors, mode, step.half}, step.quantizer);
      }
      case Step::Form::kLayer:
        return run_layer_in_half(module_.modules()[step.module], &module_.modules()[step.batch_norm],
                                 operands[0]->toTensor(),
                                 {module_.modules(), environment.tensors, environment.mode, true}, step.quantizer);
      case Step::Form::kRound:
        return constant_in_half(operands[0]->toTensor());
      case Step::Form::kPrepared: {
        std::vector<at::Tensor> inputs;
        for (const c10::IValue* operand : operands) inputs.push_back(operand->toTensor());
        return step.prepared->run(inputs);
      }
      case Step::Form::kSize: {
        std::vector<c10::IValue> numbers = step.numbers;
        for (const auto& [at, slot] : step.sizes) numbers[at] = *operands[slot];
        return run_size_operator(step.node->op(), numbers);
      }
      case Step::Form::kOperator:
        return step.call->run(operands, device);
    }
  } catch (Error& error) {
    throw error.at(place_of(*step.node));
  } catch (...) {
    throw in_our_words("nn.run").at(place_of(*step.node));
  }
  return {};
}

}  // namespace graftwork::core
