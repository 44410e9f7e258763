// Pictures read between their pixels.
#include <algorithm>
#include <optional>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/form.h"
#include "graftwork/export/resize.h"
#include "graftwork/export/runtime_number.h"
#include "graftwork/nn/operator_call.h"

namespace graftwork::core {
namespace {

/// Modes by torch's numbers: at::native::GridSamplerInterpolation and GridSamplerPadding.
void grid_sampler(Form& form) {
  constexpr const char* kModes[] = {"linear", "nearest", "cubic"};
  constexpr const char* kPadding[] = {"zeros", "border", "reflection"};
  const int64_t mode = form.integer("interpolation_mode"), padding = form.integer("padding_mode");
  if (mode < 0 || mode > 2 || padding < 0 || padding > 2) throw Error("export.attribute", "its mode is not known");
  form.lowering().need_opset(20);  // which renamed bilinear and bicubic, and added volumes
  form.result("GridSample", {form.as_result(0), form.as_result(1)},
              {{"align_corners", int64_t{form.flag("align_corners") ? 1 : 0}},
               {"mode", std::string(kModes[mode])},
               {"padding_mode", std::string(kPadding[padding])}});
}

/// One dimension's resize as a matrix, [out, in]: what torch makes of the unit vectors. Exact for every mode, and the
/// compiler takes a product where it has no antialiasing.
at::Tensor resizing(const Node& node, int64_t from, int64_t to, size_t axis, size_t spatial) {
  constexpr int64_t kMostExtent = int64_t{1} << 13, kMostElements = int64_t{1} << 24;
  if (from < 1 || from > kMostExtent || to > kMostElements / from)
    throw Error("export.shape", cat("it resizes ", from, " to ", to, ", more than a matrix is written for"));
  AttrMap attrs = node.attrs();
  // Two pixels the other way: with one, torch's antialiasing does not know rows from columns.
  std::vector<int64_t> input(spatial + 2, 2), output(spatial, 2), units(spatial + 2, 1);
  input[0] = units[0] = 1;
  input[1] = units[1] = from;
  input[2 + axis] = units[2 + axis] = from;
  output[axis] = to;
  attrs.set("output_size", output);
  Attribute::List factors;
  if (const Attribute* given = attrs.find("scale_factors"); given && given->get<Attribute::List>()) {
    if (given->get<Attribute::List>()->size() != spatial)
      throw Error("export.attribute", "its factors are not one for each dimension of its pictures");
    // A factor that was given, not the ratio of sizes, says where pixels are read.
    for (size_t i = 0; i < spatial; ++i) {
      const double* factor = given->get<Attribute::List>()->at(i).get<double>();
      factors.push_back(Attribute(i == axis && factor ? *factor : 1.0));
    }
    attrs.set("output_size", Attribute());
    attrs.set("scale_factors", Attribute(factors));
  }
  const c10::IValue value(at::eye(from, at::kFloat).reshape(units).expand(input).contiguous());
  const at::Tensor made = OperatorCall(node.op(), attrs, 1).run({&value}, at::kCPU).toTensor();
  const auto resized = static_cast<int64_t>(2 + axis);
  if (made.size(resized) != to) throw Error("export.shape", "its sizes are not those of its factors");
  at::Tensor rows = made.movedim(resized, 2).select(0, 0);  // [from, to, 2]
  if (spatial > 1) rows = rows.select(2, 0);
  return rows.t().contiguous();
}

ResizeMode mode_of(const Form& form) {
  const std::string& op = form.node().op().str();
  ResizeMode mode{"linear", form.flag("align_corners")};
  for (const char* name : {"nearest", "nearest-exact", "bicubic", "bilinear", "trilinear"}) {
    std::string spelled = name;
    std::replace(spelled.begin(), spelled.end(), '-', '_');
    if (op.find(spelled) != std::string::npos) mode.mode = name;
  }
  return mode;
}

/// To sizes that are known at run time only.
void resize_at_run_time(Form& form) {
  const Attribute* sizes = form.node().attrs().find("output_size");
  const bool is_antialiased = form.node().op().str().find("_aa.") != std::string::npos;
  if (!sizes || sizes->is_none() || is_antialiased)
    throw Error("export.shape",
                is_antialiased ? "it is antialiased, and a size of it is known at run time only"
                               : "its factors are known at run time only",
                "fixed sizes when the network is exported");
  const std::vector<std::string> targets = lower_numbers(form.lowering(), form.node(), *sizes);
  if (form.rank() != static_cast<int64_t>(targets.size()) + 2) throw Error("export.shape", "its sizes are not known");
  form.lowering().bind(
      form.node(), lower_resize(form.lowering(), form.node().name().str(), form.operand(0), mode_of(form), form.type(0),
                                form.result_type(), targets, form.lowering().result_name(form.node())));
}

/// Extents behind batch and channels; nothing where one is known at run time only.
std::optional<std::vector<int64_t>> spatial_extents(const TensorType& type) {
  std::vector<int64_t> extents;
  for (size_t i = 2; i < type.rank(); ++i) {
    const auto extent = type.dims[i].maybe_value();
    if (!extent) return std::nullopt;
    extents.push_back(*extent);
  }
  return extents;
}

/// Dimension by dimension: height · x, then x · widthᵀ.
void separable_resize(Form& form) {
  if (form.type(0).rank() != form.result_type().rank())
    throw Error("export.shape", "its result has other dimensions than its operand");
  const auto from = spatial_extents(form.type(0)), to = spatial_extents(form.result_type());
  if (!from || !to) return resize_at_run_time(form);
  const size_t spatial = from->size();
  if (spatial > 2 || spatial == 0) throw Error("export.attribute", "it resizes neither rows nor pictures");
  std::string x = form.operand(0);
  const auto matrix = [&](size_t axis) { return resizing(form.node(), (*from)[axis], (*to)[axis], axis, spatial); };
  if (spatial == 1) return form.result("MatMul", {x, form.constant(matrix(0).t())});
  x = form.add("MatMul", {form.constant(matrix(0)), x});
  form.result("MatMul", {x, form.constant(matrix(1).t())});
}

}  // namespace

OperatorLowerings sampling_lowerings() {
  return {{"aten.grid_sampler.default", form(grid_sampler)},
          {"aten.grid_sampler_2d.default", form(grid_sampler)},
          {"aten.grid_sampler_3d.default", form(grid_sampler)},
          {"aten.upsample_bicubic2d.vec", form(separable_resize)},
          {"aten.upsample_linear1d.vec", form(separable_resize)},
          {"aten.upsample_bilinear2d.vec", form(separable_resize)},
          {"aten._upsample_bicubic2d_aa.vec", form(separable_resize)},
          {"aten._upsample_bilinear2d_aa.vec", form(separable_resize)},
          {"aten._upsample_bilinear2d_aa.default", form(separable_resize)},
          {"aten._upsample_bicubic2d_aa.default", form(separable_resize)},
          {"aten._upsample_nearest_exact1d.vec", form(separable_resize)},
          {"aten._upsample_nearest_exact2d.vec", form(separable_resize)},
          {"aten.upsample_nearest1d.vec", form(separable_resize)},
          {"aten.upsample_nearest2d.vec", form(separable_resize)},
          {"aten._upsample_nearest_exact3d.vec", form(separable_resize)},
          {"aten.upsample_nearest3d.vec", form(separable_resize)},
          {"aten.upsample_trilinear3d.vec", form(separable_resize)}};
}

}  // namespace graftwork::core
