// Pictures read between their pixels.
#include "graftwork/base/error.h"
#include "graftwork/export/form.h"
#include "graftwork/nn/operator_call.h"

namespace graftwork {
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

/// Dimension by dimension: height · x, then x · widthᵀ.
void separable_resize(Form& form) {
  const std::vector<int64_t> from = form.shape(0), to = form.result_shape();
  const size_t spatial = from.size() - 2;
  if (spatial > 2) throw Error("export.attribute", "it resizes volumes");
  std::string x = form.operand(0);
  const auto matrix = [&](size_t axis) { return resizing(form.node(), from[2 + axis], to[2 + axis], axis, spatial); };
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
          {"aten.upsample_nearest2d.vec", form(separable_resize)}};
}

}  // namespace graftwork
