#include "graftwork/patterns/attention/windows.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "graftwork/base/text.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/patterns/attention/axes.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

constexpr size_t kLongestWay = 16;
constexpr size_t kGridRank = 6;  // [samples, rows of windows, rows, columns of windows, columns, channels]

/// Gives the elements another order or shape, all of them.
bool only_moves(const Node& node) {
  static const std::vector<Symbol> kParts{"aten.slice.Tensor", "aten.select.int"};
  return moves_data(node) && node.kind() == NodeKind::kCallFunction && node.tensor() && !is_one_of(node.op(), kParts);
}

using Axes = std::vector<std::vector<Axis>>;

/// Without extents of 1, as layouts are.
Axes without_ones(Axes axes) {
  for (std::vector<Axis>& dim : axes) std::erase_if(dim, [](const Axis& axis) { return axis.extent == Dim(1); });
  return axes;
}

bool stands_at_the_beginning(const Layout& layout) {
  return std::all_of(layout.offsets.begin(), layout.offsets.end(), [](int64_t offset) { return offset == 0; });
}

/// The layout of windows in a map [samples, rows, columns, channels] that is cut as `form` says.
Axes windows_in_map(const TensorType& map, const WindowForm& form) {
  const auto [rows, columns] = form.grid();
  return without_ones({{{0, 1, map.dims[0]}, {1, form.window[0], Dim(rows)}, {2, form.window[1], Dim(columns)}},
                       {{1, 1, Dim(form.window[0])}, {2, 1, Dim(form.window[1])}},
                       {{3, 1, map.dims[3]}}});
}

/// The layout of such a map in its windows [windows · samples, tokens, channels].
Axes map_in_windows(const TensorType& map, const WindowForm& form) {
  const auto [rows, columns] = form.grid();
  return without_ones({{{0, rows * columns, map.dims[0]}},
                       {{0, columns, Dim(rows)}, {1, form.window[1], Dim(form.window[0])}},
                       {{0, 1, Dim(columns)}, {1, 1, Dim(form.window[1])}},
                       {{2, 1, map.dims[3]}}});
}

bool has_static_extents(const Node& value) {
  const TensorType* type = value.tensor();
  return type && type->rank() == 4 && type->dims[1].is_static() && type->dims[2].is_static() &&
         type->dims[3].is_static();
}

WindowForm::Pair extents(const Node& map) { return {map.tensor()->dims[1].value(), map.tensor()->dims[2].value()}; }

/// Rows and columns of the windows that a value of this layout is.
WindowForm::Pair window_of(const Layout& windows) {
  WindowForm::Pair window{1, 1};
  for (const Axis& axis : windows.dims[1]) {
    if ((axis.source == 1 || axis.source == 2) && axis.extent.is_static())
      window[axis.source - 1] = axis.extent.value();
  }
  return window;
}

/// Whether windows stand in `map` as the way from them up to it says; fills in how it is cut.
bool is_cut(const Node& map, const std::vector<const Node*>& way, WindowForm& form) {
  if (!has_static_extents(map)) return false;
  std::optional<Layout> layout = Layout::of(*map.tensor());
  for (size_t i = way.size(); i-- > 0 && layout;) layout = moved(*way[i], *layout);
  if (!layout || layout->dims.size() != 3) return false;
  form.padded = extents(map);
  form.window = window_of(*layout);
  for (const size_t axis : {0, 1}) {
    if (form.window[axis] < 1 || form.padded[axis] % form.window[axis] != 0) return false;
  }
  return layout->dims == windows_in_map(*map.tensor(), form) && stands_at_the_beginning(*layout);
}

struct Turn {
  Node* source = nullptr;
  size_t axis = 0;     ///< 0: rows, 1: columns.
  int64_t places = 0;  ///< Place i holds what stood at i + places.
};

/// What a concatenation of the end and the beginning of one value turns.
std::optional<Turn> read_turn(const Node& node) {
  static const Symbol kCat = "aten.cat.default", kSlice = "aten.slice.Tensor";
  if (node.op() != kCat || node.input_count() != 2 || !has_static_extents(node)) return std::nullopt;
  const int64_t dim = integer_of(node, "dim", 0);
  const Node &back = node.input(0), &front = node.input(1);
  for (const Node* part : {&back, &front}) {
    if (part->op() != kSlice || part->input_count() != 1 || part->use_count() != 1 || !has_static_extents(*part) ||
        integer_of(*part, "dim", 0) != dim || integer_of(*part, "step", 1) != 1)
      return std::nullopt;
  }
  if ((dim != 1 && dim != 2) || &back.input(0) != &front.input(0) || !has_static_extents(back.input(0)))
    return std::nullopt;
  const auto axis = static_cast<size_t>(dim - 1);
  const int64_t places = extents(front)[axis], whole = extents(back.input(0))[axis];
  if (integer_of(front, "start", 0) != 0 || integer_of(back, "start", 0) != places ||
      places + extents(back)[axis] != whole)
    return std::nullopt;
  return Turn{&back.input(0), axis, places};
}

/// What is padded with zeros at the bottom and on the right; null where `node` is anything else.
Node* padded_map(const Node& node) {
  static const std::vector<Symbol> kPads{"aten.pad.default", "aten.constant_pad_nd.default"};
  if (!is_one_of(node.op(), kPads) || node.input_count() != 1) return nullptr;
  const Attribute *mode = node.attrs().find("mode"), *pad = node.attrs().find("pad");
  const std::string* name = mode ? mode->get<std::string>() : nullptr;
  const auto* sizes = pad ? pad->get<std::vector<int64_t>>() : nullptr;
  const Attribute* value = node.attrs().find("value");
  const bool is_zero = !value || value->is_none() || number_of(node, "value", 1) == 0;
  if ((mode && (!name || *name != "constant")) || !sizes || !is_zero || sizes->size() > 6 ||
      !has_static_extents(node.input(0)))
    return nullptr;
  for (size_t i = 0; i < sizes->size(); ++i) {
    const bool is_behind = i == 3 || i == 5;
    if (is_behind ? (*sizes)[i] < 0 : (*sizes)[i] != 0) return nullptr;
  }
  return &node.input(0);
}

class PartitionReader {
 public:
  PartitionReader(Node& windows, WindowForm& form) : windows_(windows), form_(form) {}

  Outcome run(Node*& map) {
    if (Outcome outcome = find_cut(); !outcome) return outcome;
    const bool padded_last = step_over_padding();
    while (step_over_turn()) {
    }
    const bool is_turned = form_.shift != WindowForm::Pair{};
    form_.pads_first = !padded_last || !is_turned;
    if (!padded_last) step_over_padding();
    if (!has_static_extents(*at_)) return declined("the size of its map is known at run time only");
    form_.map = extents(*at_);
    map = at_;
    return applied();
  }

 private:
  /// Puts at_ on what is cut.
  Outcome find_cut() {
    std::vector<const Node*> way;
    bool has_grid = false;
    Node* at = &windows_;
    while (only_moves(*at) && way.size() < kLongestWay) {
      if (at != &windows_ && at->use_count() != 1) return read_elsewhere(*at);
      has_grid = has_grid || at->tensor()->rank() == kGridRank;
      way.push_back(at);
      at = &at->input(0);
      if (has_grid && is_cut(*at, way, form_)) {
        at_ = at;
        return applied();
      }
    }
    return declined(cat("%", windows_.name().str(), " has no windows of a map"));
  }

  /// Where something else reads the padded map, that is the map.
  bool step_over_padding() {
    Node* source = at_->use_count() == readers_ ? padded_map(*at_) : nullptr;
    if (!source) return false;
    const bool pads = source->type() != at_->type();
    at_ = source;
    readers_ = 1;
    return pads || step_over_padding();
  }

  bool step_over_turn() {
    const auto turn = at_->use_count() == readers_ ? read_turn(*at_) : std::nullopt;
    if (!turn || form_.shift[turn->axis] != 0) return false;
    form_.shift[turn->axis] = turn->places;
    at_ = turn->source;
    readers_ = 2;
    return true;
  }

  static Outcome read_elsewhere(const Node& node) {
    return declined(cat("%", node.name().str(), " between its map and its windows is read elsewhere"));
  }

  Node& windows_;
  WindowForm& form_;
  Node* at_ = nullptr;
  size_t readers_ = 1;  // of at_: those that the way came by
};

class ReverseReader {
 public:
  ReverseReader(Node& windows, const WindowForm& form) : at_(&windows), form_(form) {}

  Outcome run(Node*& map) {
    if (Outcome outcome = find_map(); !outcome) return outcome;
    if (!form_.pads_first || !form_.is_padded()) step_over_crop();
    WindowForm::Pair left = form_.shift;
    while (step_back(left)) {
    }
    if (form_.pads_first || !form_.is_padded()) step_over_crop();
    if (left != WindowForm::Pair{} || extents(*at_) != form_.map)
      return declined(cat("%", at_->name().str(), " is not the map that its windows were cut of"));
    map = at_;
    return applied();
  }

 private:
  Node* only_reader() const { return at_->use_count() == 1 ? at_->uses()->user() : nullptr; }

  /// Puts at_ on what the windows are put together to.
  Outcome find_map() {
    const Node& windows = *at_;
    if (!windows.tensor() || windows.tensor()->rank() != 3)
      return declined(cat("%", windows.name().str(), " is no row of tokens for each window"));
    std::optional<Layout> layout = Layout::of(*windows.tensor());
    bool has_grid = false;
    for (size_t steps = 0; steps < kLongestWay; ++steps) {
      Node* reader = only_reader();
      if (!reader || !only_moves(*reader)) break;
      layout = moved(*reader, *layout);
      if (!layout) break;
      at_ = reader;
      has_grid = has_grid || at_->tensor()->rank() == kGridRank;
      if (has_grid && has_static_extents(*at_) && extents(*at_) == form_.padded &&
          layout->dims == map_in_windows(*at_->tensor(), form_) && stands_at_the_beginning(*layout))
        return applied();
    }
    return declined(cat("%", windows.name().str(), " is not put together to a map"));
  }

  /// Parts along rows and columns that begin where the map begins, as long as the map is larger than it was.
  void step_over_crop() {
    static const Symbol kSlice = "aten.slice.Tensor";
    while (Node* reader = only_reader()) {
      const int64_t dim = integer_of(*reader, "dim", 0);
      if (reader->op() != kSlice || reader->input_count() != 1 || integer_of(*reader, "start", 0) != 0 ||
          integer_of(*reader, "step", 1) != 1 || !has_static_extents(*reader) || dim < 0 || dim > 3)
        return;
      const bool keeps_all = reader->type() == at_->type();
      const bool crops = (dim == 1 || dim == 2) &&
                         extents(*reader)[static_cast<size_t>(dim - 1)] == form_.map[static_cast<size_t>(dim - 1)];
      if (!keeps_all && !crops) return;
      at_ = reader;
    }
  }

  /// Over one turn that undoes one of those that are left.
  bool step_back(WindowForm::Pair& left) {
    if (left == WindowForm::Pair{} || at_->use_count() != 2) return false;
    const Node& slice = *at_->uses()->user();
    if (slice.use_count() != 1) return false;
    Node& cat = *slice.uses()->user();
    const auto turn = read_turn(cat);
    if (!turn || turn->source != at_ || left[turn->axis] == 0) return false;
    if (turn->places + left[turn->axis] != extents(cat)[turn->axis]) return false;
    left[turn->axis] = 0;
    at_ = &cat;
    return true;
  }

  Node* at_;
  const WindowForm& form_;
};

}  // namespace

bool may_be_windows(const Node& windows) {
  const Node* at = &windows;
  for (size_t steps = 0; steps < kLongestWay && only_moves(*at); ++steps, at = &at->input(0)) {
    if (at->tensor()->rank() == kGridRank) return true;
  }
  return false;
}

Outcome read_partition(Node& windows, Node*& map, WindowForm& form) { return PartitionReader(windows, form).run(map); }

Outcome read_reverse(Node& windows, const WindowForm& form, Node*& map) {
  return ReverseReader(windows, form).run(map);
}

}  // namespace graftwork::core
