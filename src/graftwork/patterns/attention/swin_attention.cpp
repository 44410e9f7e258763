// %windows = %map, padded, turned and cut                 =>   %windows, %state = SwinWindowPartition(%map)
// %q, %k, %v = MHAInProjection(%windows)                       %q, %k, %v = MHAInProjection(%windows)
// %y = ScaledDotProductAttention(%q, %k, %v, %mask)            %y = SwinAttention(%q, %k, %v, %state, %mask)
// %z = nn.Linear(%y)                                           %z = nn.Linear(%y)
// %result = %z, put together, turned back, cut off             %result = SwinWindowReverse(%z, %state)
//
// Where one of these is missing, attention stays what it is.
#include <array>

#include "graftwork/base/text.h"
#include "graftwork/patterns/attention/axes.h"
#include "graftwork/patterns/attention/patterns.h"
#include "graftwork/patterns/attention/projection.h"
#include "graftwork/patterns/attention/windows.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

constexpr size_t kMask = 3;

/// What the values are projected from; null where they come from something else. Where queries are changed behind their
/// layer, as in cosine attention, there may be three layers; else there will be one.
Node* windows_of(const Node& attention) {
  static const Symbol kProjection = "MHAInProjection", kLinear = "nn.Linear";
  Node* at = &attention.input(2);
  while (at->kind() != NodeKind::kGetItem && moves_data(*at)) at = &at->input(0);
  if (at->kind() == NodeKind::kGetItem && at->input(0).op() == kProjection) return &at->input(0).input(0);
  if (at->kind() != NodeKind::kCallModule || at->op() != kLinear) return nullptr;
  Projection queries;
  return read_projection(attention.input(0), queries) ? nullptr : &at->input(0);
}

/// Rows of queries that see no key, as core ATen has them.
bool overwrites_rows(const Node& node, const Node& value) {
  return node.op() == Symbol("aten.masked_fill.Scalar") && &node.input(0) == &value && number_of(node, "value", 1) == 0;
}

/// The layer that alone reads, through data movement, what the attention gives; null where there is none.
Node* layer_behind(Node& attention) {
  static const Symbol kLinear = "nn.Linear";
  static constexpr size_t kLongestWay = 8;
  Node* at = &attention;
  for (size_t steps = 0; steps < kLongestWay && at->use_count() == 1; ++steps) {
    Node& reader = *at->uses()->user();
    if (reader.kind() == NodeKind::kCallModule && reader.op() == kLinear) return &reader;
    if (!moves_data(reader) && !overwrites_rows(reader, *at)) return nullptr;
    at = &reader;
  }
  return nullptr;
}

/// Parts of the two modules that cut a map and put it together.
class Parts {
 public:
  Parts(const WindowForm& form, Symbol owner, Graft& graft)
      : form_(form), owner_(graft.module().modules().fresh_path(owner)), graft_(graft) {
    record_.kind = owner;
  }

  void pad(Symbol role) {
    const int64_t bottom = form_.padded[0] - form_.map[0], right = form_.padded[1] - form_.map[1];
    add(role, "SwinPad", {{"pad", Attribute(std::vector<int64_t>{0, 0, 0, right, 0, bottom})}});
  }

  void crop(Symbol role) {
    add(role, "SwinCrop", {{"height", Attribute(form_.map[0])}, {"width", Attribute(form_.map[1])}});
  }

  /// Of a map of these extents.
  void shift(const WindowForm::Pair& whole, const WindowForm::Pair& places) {
    static const std::array<Symbol, 2> kRoles{"shift_rows", "shift_columns"};
    for (const size_t axis : {0, 1}) {
      if (places[axis] == 0) continue;
      add(kRoles[axis], "SwinShift",
          {{"dim", Attribute(static_cast<int64_t>(axis + 1))},
           {"shift", Attribute(places[axis])},
           {"extent", Attribute(whole[axis])}});
    }
  }

  ModuleRecord& record() { return record_; }

 private:
  void add(Symbol role, Symbol kind, AttrMap attrs) {
    ModuleRecord part;
    part.path = cat(owner_.str(), ".", role.str());
    part.kind = kind;
    part.attrs = std::move(attrs);
    record_.children.emplace_back(role, graft_.add_record(std::move(part)));
  }

  const WindowForm& form_;
  const Symbol owner_;
  Graft& graft_;
  ModuleRecord record_;
};

struct DecomposeSwinAttentionPattern final : Pattern {
  Pat attention = op("ScaledDotProductAttention")(any(), any(), any(), any())
                      .where(
                          [](const GraphModule&, const Node& node) {
                            const Node* windows = windows_of(node);
                            return windows && may_be_windows(*windows);
                          },
                          "");

  std::string_view name() const override { return "DecomposeSwinAttentionPattern"; }
  bool looks_further() const override { return true; }
  std::vector<Pat> roots() const override { return {attention}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& call = match[attention];
    Node& tokens = *windows_of(call);
    Node* layer = layer_behind(call);
    if (!layer) return declined("what it gives is read by something else than a linear layer");
    WindowForm form;
    Node *map = nullptr, *result = nullptr;
    if (Outcome outcome = read_partition(tokens, map, form); !outcome) return outcome;
    if (Outcome outcome = read_reverse(*layer, form, result); !outcome) return outcome;

    Node& partition = cut(*map, form, graft);
    Node& windows = graft.get_item(partition, 0);
    Node& state = graft.get_item(partition, 1);
    if (Outcome outcome = read_instead(tokens, windows, graft); !outcome) return outcome;
    if (Outcome outcome = attend(call, state, graft); !outcome) return outcome;
    return read_instead(*result, put_together(*layer, state, form, graft), graft);
  }

 private:
  /// Every reader of `old` reads `now`.
  static Outcome read_instead(Node& old, Node& now, Graft& graft) {
    for (const Use* use = old.uses(); use; use = use->next()) {
      if (!use->user()->in_order()) continue;  // the change's own
      if (Outcome outcome = graft.rewire(*use->user(), use->slot(), now); !outcome) return outcome;
    }
    return applied();
  }

  /// [samples, rows of windows, rows, columns of windows, columns, channels], or, put together again, with the rows
  /// and columns of windows in front.
  static Attribute grid(const WindowForm& form, int64_t channels, bool is_cut) {
    const auto [rows, columns] = form.grid();
    const auto [height, width] = form.window;
    return is_cut ? Attribute(std::vector<int64_t>{-1, rows, height, columns, width, channels})
                  : Attribute(std::vector<int64_t>{-1, rows, columns, height, width, channels});
  }

  static Node& cut(Node& map, const WindowForm& form, Graft& graft) {
    Parts parts(form, "SwinWindowPartition", graft);
    if (form.is_padded() && form.pads_first) parts.pad("pad");
    parts.shift(form.pads_first ? form.padded : form.map, form.shift);
    if (form.is_padded() && !form.pads_first) parts.pad("pad_shifted");
    const int64_t channels = map.tensor()->dims[3].value();
    parts.record().attrs.set("grid", grid(form, channels, /*is_cut=*/true));
    parts.record().attrs.set("windows", Attribute(std::vector<int64_t>{-1, form.window[0] * form.window[1], channels}));
    parts.record().attrs.set(
        "state", Attribute(std::vector<int64_t>{-1, -1, -1, form.padded[0] - form.map[0], form.padded[1] - form.map[1],
                                                form.shift[0], form.shift[1], 0}));
    return graft.call_module(graft.add_instance(std::move(parts.record())), {&map});
  }

  static Outcome attend(Node& call, Node& state, Graft& graft) {
    ModuleRecord record = graft.module().record(call);
    record.kind = "SwinAttention";
    const ModuleId id = graft.add_record(std::move(record));
    return graft.replace(
        call, graft.call_module(id, {&call.input(0), &call.input(1), &call.input(2), &state, &call.input(kMask)}));
  }

  static Node& put_together(Node& windows, Node& state, const WindowForm& form, Graft& graft) {
    Parts parts(form, "SwinWindowReverse", graft);
    const WindowForm::Pair whole = form.pads_first ? form.padded : form.map;
    WindowForm::Pair back{};
    for (const size_t axis : {0, 1}) back[axis] = form.shift[axis] == 0 ? 0 : whole[axis] - form.shift[axis];
    if (form.is_padded() && !form.pads_first) parts.crop("crop_shifted");
    parts.shift(whole, back);
    if (form.is_padded() && form.pads_first) parts.crop("crop");
    const int64_t channels = windows.tensor()->dims.back().value();
    parts.record().attrs.set("grid", grid(form, channels, /*is_cut=*/false));
    parts.record().attrs.set("map", Attribute(std::vector<int64_t>{-1, form.padded[0], form.padded[1], channels}));
    return graft.call_module(graft.add_instance(std::move(parts.record())), {&windows, &state});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_decompose_swin_attention_pattern() {
  return std::make_shared<DecomposeSwinAttentionPattern>();
}

}  // namespace graftwork::core
