#include "graftwork/import/recorded/module_paths.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/import/captured/argument_names.h"
#include "graftwork/ir/operator_name.h"

namespace graftwork::core::recorded {
namespace {

using captured::Argument;
using captured::Call;

/// Operators that are the body of one of torch's modules when they read what it has, by name without overload. Torch's
/// C++ front end spells linear as products.
bool is_layer(Symbol op) {
  static const std::unordered_set<std::string_view> kNames{"add_",
                                                           "addmm",
                                                           "matmul",
                                                           "t",
                                                           "_convolution",
                                                           "batch_norm",
                                                           "bilinear",
                                                           "conv1d",
                                                           "conv2d",
                                                           "conv3d",
                                                           "convolution",
                                                           "conv_transpose1d",
                                                           "conv_transpose2d",
                                                           "conv_transpose3d",
                                                           "embedding",
                                                           "embedding_bag",
                                                           "group_norm",
                                                           "gru",
                                                           "instance_norm",
                                                           "layer_norm",
                                                           "linear",
                                                           "lstm",
                                                           "prelu",
                                                           "rms_norm",
                                                           "rnn_relu",
                                                           "rnn_tanh",
                                                           "native_layer_norm",
                                                           "native_group_norm"};
  return kNames.contains(operator_name(op));
}

/// "a.b" of "a.b.c"; empty of "a".
std::string parent_of(const std::string& path) {
  const size_t dot = path.rfind('.');
  return dot == std::string::npos ? std::string() : path.substr(0, dot);
}

/// The innermost module that both lie in, or are.
std::string common(const std::string& a, const std::string& b) {
  const size_t length = std::min(a.size(), b.size());
  size_t same = 0;
  while (same < length && a[same] == b[same]) ++same;
  const auto ends = [&](const std::string& path) { return same == path.size() || path[same] == '.'; };
  if (ends(a) && ends(b)) return a.substr(0, same);
  return parent_of(a.substr(0, same));
}

/// Of several paths; nothing of none.
class Around {
 public:
  void add(const std::optional<std::string>& path) {
    if (path) path_ = path_ ? common(*path_, *path) : *path;
  }
  const std::optional<std::string>& path() const { return path_; }

 private:
  std::optional<std::string> path_;
};

template <class Visit>
void each_input(const Call& call, const Visit& visit) {
  for (const captured::NamedArgument& input : call.inputs) captured::each_tensor_name(input.arg, visit);
}

template <class Visit>
void each_result(const Call& call, const Visit& visit) {
  for (const Argument& output : call.outputs) captured::each_tensor_name(output, visit);
}

class Pass {
 public:
  Pass(captured::Program& program, const std::unordered_set<std::string>& constants) : program_(program) {
    for (const captured::Input& input : program.inputs) {
      const auto* tensor = input.arg.get_if<captured::TensorName>();
      if (!tensor || constants.contains(tensor->name)) continue;
      if (input.kind == captured::Input::Kind::kStored) {
        stored_.emplace(tensor->name, parent_of(input.name));
      } else {
        around_[tensor->name] = "";  // what is given is of the network itself, and so are its results
      }
    }
    for (const captured::Output& output : program.outputs)
      captured::each_tensor_name(output.arg, [&](const std::string& name) { behind_[name].add(""); });
  }

  void run() {
    std::vector<std::optional<std::string>> own, in_front, after;
    for (const Call& call : program_.calls) {
      own.push_back(own_module(call));
      pass_on(call, own.back());
      in_front.push_back(go_on(call, own.back()));
    }
    after.resize(own.size());
    for (size_t i = own.size(); i-- > 0;) after[i] = go_back(program_.calls[i], own[i]);
    for (size_t i = 0; i < own.size(); ++i) {
      Call& call = program_.calls[i];
      if (!call.provenance.module.empty() || !call.provenance.source.empty()) continue;
      if (own[i]) {
        call.provenance.module = *own[i];
        call.provenance.is_body = is_layer(call.op);
      } else {
        Around around;
        around.add(in_front[i]);
        around.add(after[i]);
        call.provenance.module = around.path().value_or("");
      }
    }
  }

 private:
  std::optional<std::string> own_module(const Call& call) const {
    Around modules;
    each_input(call, [&](const std::string& name) {
      if (const auto found = stored_.find(name); found != stored_.end()) modules.add(found->second);
    });
    return modules.path();
  }

  /// What is computed of a module's own tensors alone is its own, too.
  void pass_on(const Call& call, const std::optional<std::string>& own) {
    if (!own) return;
    bool is_own = true;
    each_input(call, [&](const std::string& name) { is_own &= stored_.contains(name); });
    if (is_own) each_result(call, [&](const std::string& name) { stored_.emplace(name, *own); });
  }

  /// What stands around a call's results: the module that a layer lies in, or what stands around its operands.
  static std::string scope_of(const Call& call, const std::string& own) {
    return is_layer(call.op) ? parent_of(own) : own;
  }

  std::optional<std::string> go_on(const Call& call, const std::optional<std::string>& own) {
    Around around;
    if (own) {
      around.add(scope_of(call, *own));
    } else {
      each_input(call, [&](const std::string& name) {
        if (const auto found = around_.find(name); found != around_.end()) around.add(found->second);
      });
    }
    each_result(call, [&](const std::string& name) {
      if (around.path()) around_[name] = *around.path();
    });
    return around.path();
  }

  std::optional<std::string> go_back(const Call& call, const std::optional<std::string>& own) {
    Around around;
    if (own) {
      around.add(scope_of(call, *own));
    } else {
      each_result(call, [&](const std::string& name) {
        if (const auto found = behind_.find(name); found != behind_.end()) around.add(found->second.path());
      });
    }
    each_input(call, [&](const std::string& name) { behind_[name].add(around.path()); });
    return around.path();
  }

  captured::Program& program_;
  std::unordered_map<std::string, std::string> stored_;  // value → the module that it is a tensor of
  std::unordered_map<std::string, std::string> around_;  // value → the module that it was made in
  std::unordered_map<std::string, Around> behind_;       // value → the module that all its readers lie in
};

}  // namespace

void assign_modules(captured::Program& program, const std::unordered_set<std::string>& constants) {
  Pass(program, constants).run();
}

}  // namespace graftwork::core::recorded
