// Operators that treat the two numbers of a pair alike: their arguments name dimensions and sizes, and pairs have one
// more.
#include <unordered_map>

#include "graftwork/import/captured/decompose/pairs.h"
#include "graftwork/ir/operator_name.h"

namespace graftwork::core::captured {
namespace {

/// What the arguments of an operator say.
struct Move {
  std::vector<std::string_view> dims = {};  ///< Dimensions, one or a list, counted from either end.
  std::string_view sizes = {};              ///< The sizes of the result.
  int64_t new_dims = 0;                     ///< How many more dimensions its result has.
};

const std::unordered_map<std::string_view, Move>& moves() {
  static const std::unordered_map<std::string_view, Move> all{
      {"view", {{}, "size"}},
      {"reshape", {{}, "shape"}},
      {"_unsafe_view", {{}, "size"}},
      {"expand", {{}, "size"}},
      {"repeat", {{}, "repeats"}},
      {"zeros", {{}, "size"}},
      {"new_zeros", {{}, "size"}},
      {"zeros_like", {}},
      {"alias", {}},
      {"clone", {}},
      {"contiguous", {}},
      {"detach", {}},
      {"lift_fresh", {}},
      {"lift_fresh_copy", {}},
      {"index", {}},
      {"neg", {}},
      {"permute", {{"dims"}}},
      {"transpose", {{"dim0", "dim1"}}},
      {"unsqueeze", {{"dim"}, {}, 1}},
      {"stack", {{"dim"}, {}, 1}},
      {"squeeze", {{"dim"}}},
      {"slice", {{"dim"}}},
      {"select", {{"dim"}}},
      {"index_select", {{"dim"}}},
      {"cat", {{"dim"}}},
      {"split", {{"dim"}}},
      {"split_with_sizes", {{"dim"}}},
      {"chunk", {{"dim"}}},
      {"unbind", {{"dim"}}},
      {"flip", {{"dims"}}},
      {"roll", {{"dims"}}},
      {"flatten", {{"start_dim", "end_dim"}}},
      {"unflatten", {{"dim"}}},
      {"cumsum", {{"dim"}}},
      {"sum", {{"dim"}}},
      {"mean", {{"dim"}}},
      {"constant_pad_nd", {}},
  };
  return all;
}

Argument* find(Call& call, std::string_view name) {
  for (NamedArgument& input : call.inputs) {
    if (input.name == name) return &input.arg;
  }
  return nullptr;
}

void set(Call& call, const char* name, Argument value) {
  if (Argument* given = find(call, name)) {
    *given = std::move(value);
  } else {
    call.inputs.push_back({name, std::move(value)});
  }
}

bool is_missing(const Argument* argument) {
  if (!argument || argument->is<None>()) return true;
  const auto* numbers = argument->get_if<std::vector<int64_t>>();
  const auto* list = argument->get_if<Argument::List>();
  return (numbers && numbers->empty()) || (list && list->empty());
}

std::vector<int64_t> all_dims(size_t rank) {
  std::vector<int64_t> dims;
  for (size_t i = 0; i < rank; ++i) dims.push_back(static_cast<int64_t>(i));
  return dims;
}

/// What an operator does where dimensions are left out means the pair's too.
bool name_dims(Call& call, std::string_view name, size_t rank, const TensorMeta* operand) {
  const auto last = static_cast<int64_t>(rank) - 1;
  if ((name == "sum" || name == "mean") && is_missing(find(call, "dim"))) {
    if (rank == 0) return false;
    call.op = name == "sum" ? "aten.sum.dim_IntList" : "aten.mean.dim";
    set(call, "dim", {all_dims(rank)});
  }
  if (name == "squeeze" && is_missing(find(call, "dim"))) {
    std::vector<int64_t> ones;
    for (size_t i = 0; operand && i < rank; ++i) {
      if (operand->sizes[i] == Dim(1)) ones.push_back(static_cast<int64_t>(i));
    }
    call.op = "aten.squeeze.dims";
    set(call, "dim", {ones});
  }
  if (name == "flatten" && !find(call, "end_dim")) set(call, "end_dim", {last});
  return name != "roll" || !is_missing(find(call, "dims"));
}

bool wrap(Argument& argument, int64_t rank) {
  const auto fits = [&](int64_t& dim) {
    if (dim < 0) dim += rank;
    return 0 <= dim && dim < rank;
  };
  if (auto* dim = std::get_if<int64_t>(&argument.value)) return fits(*dim);
  auto* dims = std::get_if<std::vector<int64_t>>(&argument.value);
  if (!dims) return false;
  bool all_fit = true;
  for (int64_t& dim : *dims) all_fit &= fits(dim);
  return all_fit;
}

bool append(Argument& sizes, int64_t size) {
  if (auto* numbers = std::get_if<std::vector<int64_t>>(&sizes.value)) {
    numbers->push_back(size);
    return true;
  }
  auto* list = std::get_if<Argument::List>(&sizes.value);
  if (list) list->push_back({size});
  return list != nullptr;
}

/// With zeros, which pairs of zeros are; nothing in front of and behind the parts of a number.
bool pad_pairs(Call& call) {
  Argument* pad = find(call, "pad");
  const Argument* mode = find(call, "mode");
  if (mode && mode->get_if<std::string>() && *mode->get_if<std::string>() != "constant") return false;
  if (const Argument* value = find(call, "value"); value && !value->is<None>()) {
    const auto* whole = value->get_if<int64_t>();
    const auto* number = value->get_if<double>();
    if (!(whole && *whole == 0) && !(number && *number == 0)) return false;
  }
  if (auto* numbers = pad ? std::get_if<std::vector<int64_t>>(&pad->value) : nullptr) {
    numbers->insert(numbers->begin(), {0, 0});
    return true;
  }
  auto* list = pad ? std::get_if<Argument::List>(&pad->value) : nullptr;
  if (list) list->insert(list->begin(), {Argument{int64_t{0}}, Argument{int64_t{0}}});
  return list != nullptr;
}

}  // namespace

bool move_pairs(Call& call, size_t rank, const TensorMeta* operand) {
  if (!call.op.str().starts_with("aten.")) return false;
  const std::string_view name = operator_name(call.op);
  Call moved = call;
  if (name == "constant_pad_nd" || name == "pad") {
    if (!pad_pairs(moved)) return false;
    call = std::move(moved);
    return true;
  }
  if (name == "t" || name == "numpy_T") {
    if (rank > 2) return false;
    call.op = rank == 2 ? "aten.transpose.int" : "aten.alias.default";
    if (rank == 2) call.inputs.insert(call.inputs.end(), {{"dim0", {int64_t{0}}}, {"dim1", {int64_t{1}}}});
    return true;
  }
  const auto found = moves().find(name);
  if (found == moves().end() || call.op == Symbol("aten.view.dtype")) return false;
  const Move& move = found->second;
  if (!name_dims(moved, name, rank, operand)) return false;
  for (const std::string_view dims : move.dims) {
    Argument* given = find(moved, dims);
    if (given && !wrap(*given, static_cast<int64_t>(rank) + move.new_dims)) return false;
  }
  if (name == "permute") {
    Argument* dims = find(moved, "dims");
    if (!dims || !append(*dims, static_cast<int64_t>(rank))) return false;
  }
  if (!move.sizes.empty()) {
    Argument* sizes = find(moved, move.sizes);
    if (!sizes || !append(*sizes, name == "repeat" ? 1 : 2)) return false;
  }
  call = std::move(moved);
  return true;
}

}  // namespace graftwork::core::captured
