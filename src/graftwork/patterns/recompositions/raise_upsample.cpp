// %y = aten.upsample_nearest2d.vec(%x) {scale_factors=[2.0, 2.0]}   =>   %y = nn.Upsample @path(%x) {scale_factor=...}
//
// Every mode, by factors or by size, and the forms of core ATen, which name the size and the factors.
#include <array>

#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

struct Form {
  std::string_view op;
  std::string_view mode;
  size_t spatial;
};

constexpr std::array kForms{Form{"upsample_nearest1d", "nearest", 1},
                            Form{"upsample_nearest2d", "nearest", 2},
                            Form{"upsample_nearest3d", "nearest", 3},
                            Form{"_upsample_nearest_exact1d", "nearest-exact", 1},
                            Form{"_upsample_nearest_exact2d", "nearest-exact", 2},
                            Form{"_upsample_nearest_exact3d", "nearest-exact", 3},
                            Form{"upsample_linear1d", "linear", 1},
                            Form{"upsample_bilinear2d", "bilinear", 2},
                            Form{"upsample_bicubic2d", "bicubic", 2},
                            Form{"upsample_trilinear3d", "trilinear", 3}};

std::vector<Symbol> upsampling_operators() {
  std::vector<Symbol> ops;
  for (const Form& form : kForms) {
    ops.emplace_back(cat("aten.", form.op, ".vec"));
    ops.emplace_back(cat("aten.", form.op, ".default"));
  }
  return ops;
}

const Form& form_of(Symbol op) {
  for (const Form& form : kForms) {
    if (op.str().starts_with(cat("aten.", form.op, "."))) return form;
  }
  return kForms[0];
}

/// The factors of either form: one list, or one attribute for each dimension.
std::optional<Attribute> factors_of(const Node& node, size_t spatial) {
  const Attribute* listed = node.attrs().find("scale_factors");
  if (listed && !listed->is_none()) return *listed;
  static const std::array<Symbol, 3> kNames{"scales_d", "scales_h", "scales_w"};
  Attribute::List factors;
  for (size_t i = 0; i < spatial; ++i) {
    const Attribute* factor = node.attrs().find(spatial == 1 ? Symbol("scales") : kNames[3 - spatial + i]);
    if (!factor || factor->is_none()) return std::nullopt;
    factors.push_back(*factor);
  }
  return Attribute(std::move(factors));
}

struct RaiseUpsamplePattern final : Pattern {
  Pat x = any();
  Pat upsample = op(std::span<const Symbol>(upsampling_operators()))(x).and_more_inputs();

  std::string_view name() const override { return "RaiseUpsamplePattern"; }
  std::vector<Pat> roots() const override { return {upsample}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[upsample];
    const Form& form = form_of(node.op());
    ModuleRecord record = module_at(node, "nn.Upsample");
    record.attrs.set("mode", std::string(form.mode));
    if (Outcome copied = copy_attr(record, "align_corners", node); !copied) return copied;
    if (const auto factors = factors_of(node, form.spatial)) {
      const auto numbers = numbers_in(*factors);
      if (!numbers || numbers->size() != form.spatial) return declined("its factors are computed in the graph");
      record.attrs.set("scale_factor", *factors);
    } else {
      const Attribute* size = node.attrs().find("output_size");
      if (!size || !size->get<std::vector<int64_t>>()) return declined("its size is computed in the graph");
      record.attrs.set("size", *size);
    }
    return raise_to(graft, node, std::move(record), {&match[x]});
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_upsample_pattern() { return std::make_shared<RaiseUpsamplePattern>(); }

}  // namespace graftwork::core
