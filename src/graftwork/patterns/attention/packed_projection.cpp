// %packed = nn.Linear(%x), whose result is moved and read in three parts with heads   =>
// %q, %k, %v = MHAInProjection(%x), moved to where each is read
//
// For what reads queries, keys and values otherwise than attention does: rotated, normalized, or in products without a
// softmax. The form keeps the layer in INT8 (rule F16).
#include <algorithm>
#include <array>
#include <vector>

#include "graftwork/base/text.h"
#include "graftwork/patterns/attention/batch.h"
#include "graftwork/patterns/attention/packing.h"
#include "graftwork/patterns/attention/patterns.h"

namespace graftwork::core {
namespace {

constexpr size_t kParts = 3;

/// A value that something reads which does more than move data.
struct Leaf {
  Node* value;
  Projection heads;
  bool is_transposed;  ///< [..., size, tokens]
};

class Leaves {
 public:
  explicit Leaves(Node& layer) : layer_(layer) {}

  Outcome run() {
    if (!layer_.tensor()) return declined("its shape is not known");
    return follow(layer_, Layout::of(*layer_.tensor()));
  }

  std::vector<Leaf>& all() { return leaves_; }

 private:
  Outcome follow(Node& value, const Layout& layout) {
    static constexpr size_t kMost = 64;
    if (++seen_ > kMost) return declined("its result is read in too many ways");
    bool is_leaf = false;
    for (const Use* use = value.uses(); use; use = use->next()) {
      Node& reader = *use->user();
      if (!moves_data(reader)) {
        is_leaf = true;
        continue;
      }
      if (Outcome outcome = move(reader, layout); !outcome) return outcome;
    }
    return is_leaf ? keep(value, layout) : applied();
  }

  Outcome move(Node& reader, const Layout& layout) {
    if (reader.type().elements()) {
      for (const Use* use = reader.uses(); use; use = use->next()) {
        const auto part = moved(*use->user(), layout);
        if (!part) return declined(cat("%", reader.name().str(), " is more than moving data"));
        if (Outcome outcome = follow(*use->user(), *part); !outcome) return outcome;
      }
      return applied();
    }
    const auto next = moved(reader, layout);
    return next ? follow(reader, *next) : declined(cat("%", reader.name().str(), " is more than moving data"));
  }

  Outcome keep(Node& value, const Layout& layout) {
    Leaf leaf{&value, {}, false};
    leaf.heads.layer = &layer_;
    Outcome outcome = read_heads(layout, leaf.heads);
    if (!outcome && layout.dims.size() >= 2) {
      Layout turned = layout;
      std::swap(turned.dims.back(), turned.dims[turned.dims.size() - 2]);
      leaf.heads = {};
      leaf.heads.layer = &layer_;
      leaf.is_transposed = bool(read_heads(turned, leaf.heads));
      if (leaf.is_transposed) outcome = applied();
    }
    if (outcome) leaves_.push_back(std::move(leaf));
    return outcome;
  }

  Node& layer_;
  std::vector<Leaf> leaves_;
  size_t seen_ = 0;
};

struct PackedProjectionPattern final : Pattern {
  Pat layer = op("nn.Linear")(any()).may_escape().where(
      [](const GraphModule&, const Node& node) { return is_read_in_parts(node); }, "");

  std::string_view name() const override { return "PackedProjectionPattern"; }
  bool looks_further() const override { return true; }
  std::vector<Pat> roots() const override { return {layer}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[layer];
    Leaves leaves(node);
    if (Outcome outcome = leaves.run(); !outcome) return outcome;
    if (const Node* attention = sole_reader(node); attention && attention->op() == Symbol("ScaledDotProductAttention"))
      return declined(cat("%", attention->name().str(), " is to be decomposed with it"));
    std::array<const Projection*, kParts> parts{};
    const int64_t rows = node.tensor()->dims.back().maybe_value().value_or(0);
    for (Leaf& leaf : leaves.all()) {
      const auto part = part_of(leaf.heads, rows);
      if (!part || leaf.heads.heads == 1) return declined("its parts are no heads of queries, keys and values");
      if (!parts[*part]) parts[*part] = &leaf.heads;
      if (!parts[*part]->same_heads(leaf.heads)) return declined("its parts are read with other heads");
    }
    if (std::count(parts.begin(), parts.end(), nullptr) > 0) return declined("it has a part that nothing reads");
    if (!parts[0]->same_heads(*parts[1]) || !parts[0]->same_heads(*parts[2]))
      return declined("its parts have other heads");

    ModuleRecord record;
    record.kind = "MHAInProjection";
    set_heads(record, *parts[0], kParts);
    ModuleId packed;
    if (Outcome outcome = pack({parts.begin(), parts.end()}, graft, packed); !outcome) return outcome;
    record.children.emplace_back(Symbol("in_proj"), packed);
    Node* tokens = tokens_of(*parts[0], graft);
    if (!tokens) return declined("its tokens lie across its samples");
    Node& call = graft.call_module(graft.add_instance(std::move(record)), {tokens});
    std::array<Node*, kParts> results{};
    for (size_t i = 0; i < kParts; ++i) results[i] = &graft.get_item(call, static_cast<int64_t>(i));
    for (const Leaf& leaf : leaves.all()) {
      if (Outcome outcome = put(leaf, *results[*part_of(leaf.heads, rows)], graft); !outcome) return outcome;
    }
    return applied();
  }

 private:
  static bool is_read_in_parts(const Node& node) {
    const TensorType* type = node.tensor();
    const auto rows = type && type->rank() >= 2 ? type->dims.back().maybe_value() : std::nullopt;
    if (!rows || *rows % static_cast<int64_t>(kParts) != 0) return false;
    for (const Use* use = node.uses(); use; use = use->next()) {
      if (moves_data(*use->user())) return true;
    }
    return false;
  }

  /// Which third of the layer's rows the heads are; nothing where they are no third.
  static std::optional<size_t> part_of(const Projection& heads, int64_t rows) {
    if (heads.heads * heads.size * static_cast<int64_t>(kParts) != rows) return std::nullopt;
    const int64_t block = heads.head_stride == heads.size ? heads.heads * heads.size : heads.size;
    if (heads.first_row % block != 0 || heads.first_row / block >= static_cast<int64_t>(kParts)) return std::nullopt;
    return static_cast<size_t>(heads.first_row / block);
  }

  static Outcome put(const Leaf& leaf, Node& result, Graft& graft) {
    std::vector<Dim> dims = leaf.value->tensor()->dims;
    if (leaf.is_transposed) std::swap(dims.back(), dims[dims.size() - 2]);
    Node* value = viewed(result, dims, graft, leaf.value->origin());
    if (!value) return declined("its parts have more than one extent that is known at run time only");
    if (leaf.is_transposed) {
      value = &graft.call_function("aten.transpose.int", {value}, {{"dim0", int64_t{-2}}, {"dim1", int64_t{-1}}},
                                   leaf.value->origin());
    }
    return graft.replace(*leaf.value, *value);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_packed_projection_pattern() { return std::make_shared<PackedProjectionPattern>(); }

}  // namespace graftwork::core
