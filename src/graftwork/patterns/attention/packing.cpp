#include "graftwork/patterns/attention/packing.h"

#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/patterns/attention/batch.h"

namespace graftwork::core {
namespace {

/// Rows of a weight or bias, in the order [head, number]. Nothing where they are not whole blocks of it.
std::optional<ParamExpr> rows_of(const ParamExpr& tensor, const Projection& part) {
  const int64_t rows = tensor.type().dims[0].value();
  const int64_t wanted = part.heads * part.size;
  if (part.heads == 1 || part.head_stride == part.size) {
    if (part.first_row == 0 && wanted == rows) return tensor;
    return tensor.slice(0, part.first_row, part.first_row + wanted);
  }
  // [heads, what a head has of all parts, ...]: the part stands at one place in each.
  const int64_t begin = part.first_row % part.head_stride;
  const int64_t first = part.first_row / part.head_stride * part.head_stride;
  if (begin + part.size > part.head_stride || first + part.heads * part.head_stride > rows) return std::nullopt;
  std::vector<int64_t> rest, blocks{part.heads, part.head_stride}, flat{wanted};
  for (size_t dim = 1; dim < tensor.type().rank(); ++dim) rest.push_back(tensor.type().dims[dim].value());
  blocks.insert(blocks.end(), rest.begin(), rest.end());
  flat.insert(flat.end(), rest.begin(), rest.end());
  const ParamExpr whole = first == 0 && part.heads * part.head_stride == rows
                              ? tensor
                              : tensor.slice(0, first, first + part.heads * part.head_stride);
  return whole.view(blocks).slice(1, begin, begin + part.size).view(flat);
}

/// "layer.0.attention" of "layer.0.attention.query" and "layer.0.attention.key".
std::string common_path(const std::vector<std::string>& paths) {
  std::string common = paths[0].substr(0, paths[0].rfind('.') == std::string::npos ? 0 : paths[0].rfind('.'));
  for (const std::string& path : paths) {
    while (!common.empty() && !path.starts_with(common + ".")) {
      const size_t end = common.rfind('.');
      common = end == std::string::npos ? std::string() : common.substr(0, end);
    }
  }
  return common;
}

/// Layers that read one tensor, as one.
class Packing {
 public:
  Packing(std::vector<const Projection*> parts, Graft& graft) : parts_(std::move(parts)), graft_(graft) {}

  Outcome run(ModuleId& packed) {
    const ModuleTable& modules = graft_.module().modules();
    std::vector<ParamExpr> weights, biases;
    std::vector<std::string> paths;
    int64_t next_row = 0;
    bool is_packed = true;
    for (const Projection* part : parts_) {
      const ModuleRecord& layer = modules[part->layer->module()];
      is_packed = is_packed && part->layer == parts_[0]->layer && part->first_row == next_row &&
                  part->head_stride == part->size;
      next_row += part->heads * part->size;
      const auto rows = rows_of(*layer.param("weight"), *part);
      if (!rows) return declined(cat("the heads of %", part->layer->name().str(), " are spread over its rows"));
      weights.push_back(*rows);
      if (std::find(paths.begin(), paths.end(), layer.path.str()) == paths.end()) paths.push_back(layer.path.str());
    }
    const ModuleRecord& first = modules[parts_[0]->layer->module()];
    if (is_packed && next_row == first.param("weight")->type().dims[0].value()) {
      packed = parts_[0]->layer->module();
      return applied();
    }
    for (const Projection* part : parts_) {
      if (!modules[part->layer->module()].children.empty())
        return declined(cat("%", part->layer->name().str(), " was trained with a fake-quantizer of its own"));
    }
    if (Outcome outcome = gather_biases(biases); !outcome) return outcome;
    ModuleRecord record;
    record.kind = first.kind;
    const std::string common = common_path(paths);
    record.path = paths.size() == 1 ? paths[0] + ".packed" : common.empty() ? "in_proj" : common + ".in_proj";
    record.attrs.set("in_features", Attribute(first.param("weight")->type().dims[1].value()));
    record.attrs.set("out_features", Attribute(next_row));
    record.set_param("weight", ParamExpr::concat(weights, 0));
    if (!biases.empty()) record.set_param("bias", ParamExpr::concat(biases, 0));
    packed = graft_.add_record(std::move(record));
    return applied();
  }

 private:
  /// None when no layer has one; zeros for those that have none.
  Outcome gather_biases(std::vector<ParamExpr>& biases) const {
    const ModuleTable& modules = graft_.module().modules();
    const bool any = std::any_of(parts_.begin(), parts_.end(), [&](const Projection* part) {
      return modules[part->layer->module()].param("bias") != nullptr;
    });
    for (const Projection* part : parts_) {
      if (!any) break;
      const ModuleRecord& layer = modules[part->layer->module()];
      if (const ParamExpr* bias = layer.param("bias")) {
        const auto rows = rows_of(*bias, *part);
        if (!rows) return declined(cat("the heads of %", part->layer->name().str(), " are spread over its rows"));
        biases.push_back(*rows);
        continue;
      }
      const TensorType& weight = layer.param("weight")->type();
      const int64_t count = part->heads * part->size;
      AttrMap attrs;
      attrs.set("size", Attribute(std::vector<int64_t>{count}));
      attrs.set("dtype", Attribute(weight.dtype));
      biases.push_back(
          ParamExpr::computed("aten.zeros.default", {}, std::move(attrs), 0, TensorType{weight.dtype, {Dim(count)}}));
    }
    return applied();
  }

  std::vector<const Projection*> parts_;
  Graft& graft_;
};

Dim product(const TensorType& type, const std::vector<size_t>& dims) {
  Dim result(1);
  for (const size_t dim : dims) result = result * type.dims[dim];
  return result;
}

}  // namespace

Outcome pack(std::vector<const Projection*> parts, Graft& graft, ModuleId& packed) {
  return Packing(std::move(parts), graft).run(packed);
}

Node* tokens_of(const Projection& part, Graft& graft) {
  Node& input = part.layer->input(0);
  const TensorType& type = *input.tensor();
  const std::vector<Dim> wanted{product(type, part.samples), product(type, part.tokens), type.dims.back()};
  std::vector<size_t> order = part.samples;
  order.insert(order.end(), part.tokens.begin(), part.tokens.end());
  if (std::is_sorted(order.begin(), order.end())) return viewed(input, wanted, graft, input.origin());
  if (type.rank() != 3) return nullptr;
  if (input.op() == Symbol("aten.transpose.int") && input.input(0).tensor() && input.input(0).tensor()->dims == wanted)
    return &input.input(0);
  Node& turned =
      graft.call_function("aten.transpose.int", {&input}, {{"dim0", int64_t{0}}, {"dim1", int64_t{1}}}, input.origin());
  return viewed(turned, wanted, graft, input.origin());
}

void set_heads(ModuleRecord& record, const Projection& part, int64_t count) {
  record.attrs.set("parts", Attribute(std::vector<int64_t>{count, part.heads * part.size}));
  record.attrs.set("heads", Attribute(std::vector<int64_t>{part.heads, part.size}));
}

}  // namespace graftwork::core
