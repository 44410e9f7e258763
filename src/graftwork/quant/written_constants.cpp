#include "graftwork/quant/written_constants.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graftwork/ir/body.h"
#include "graftwork/ir/kinds/quant.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/nn/fold_batch_norm.h"
#include "graftwork/nn/half.h"

namespace graftwork::core {
namespace {

constexpr double kEnough = 50;  // dB

double largest_of(const at::Tensor& value) {
  const auto ends = [](const at::Tensor& numbers) {
    const auto [low, high] = at::aminmax(numbers);
    return std::max(std::fabs(low.item<double>()), std::fabs(high.item<double>()));
  };
  const double largest = ends(value);
  if (std::isfinite(largest)) return largest;
  const at::Tensor finite = value.masked_select(at::isfinite(value));
  return finite.numel() == 0 ? 0 : ends(finite);
}

class Collector {
 public:
  Collector(const Network& network, const Node& node) : network_(network), node_(node) {}

  std::vector<WrittenConstant> run() {
    if (node_.kind() == NodeKind::kCallFunction) add_numbers();
    for (const Use& use : node_.inputs()) {
      const Node& input = *use.producer();
      if (input.kind() == NodeKind::kConstant && node_.kind() != NodeKind::kOutput)
        add(input.name().str(), evaluate(input.constant(), network_.tensors), is_factor(), &input);
    }
    if (node_.kind() == NodeKind::kCallModule) add_module(network_.module.record(node_));
    return std::move(found_);
  }

 private:
  bool is_factor() const {
    const std::string_view name = operator_name(node_.op());
    return name == "mul" || name == "div" || name == "matmul" || name == "mm" || name == "bmm";
  }

  void add(std::string name, const at::Tensor& value, bool factor, const Node* read = nullptr) {
    if (!value.defined() || !value.is_floating_point() || value.numel() == 0) return;
    WrittenConstant constant{std::move(name), largest_of(value.detach()), std::numeric_limits<double>::infinity(),
                             read};
    if (factor && constant.fits()) constant.quality = half_quality(value, value.to(at::kHalf));
    found_.push_back(std::move(constant));
  }

  void add_numbers() {
    for (const auto& [name, attribute] : node_.attrs()) {
      const std::optional<double> number = is_float_number(name) ? number_in(attribute) : std::nullopt;
      const bool is_float = node_.tensor() && is_floating(node_.tensor()->dtype);
      if (number && is_float) add(name.str(), at::scalar_tensor(*number, at::kDouble), is_factor());
    }
  }

  void add_module(const ModuleRecord& record) {
    const ModuleTable& modules = network_.module.modules();
    if (!record.body) return add_params(record);
    for (const BodyLayer& layer : record.body->layers) {
      const ModuleRecord& owner = modules[record.child(layer.role)];
      const ModuleRecord* batch_norm = layer.batch_norm ? &modules[record.child(layer.batch_norm->role())] : nullptr;
      const FoldedLayer folded = fold_batch_norm(owner, batch_norm, network_.tensors);
      if (folded.bias.defined()) add(owner.path.str() + ".bias", folded.bias, false);
      if (!weight_quantizer(record, layer))
        add(owner.path.str() + ".weight",
            fold_into_weight(owner, evaluate(*owner.param("weight"), network_.tensors), folded.factor), true);
    }
    for (const auto& [role, child] : record.children) {
      const ModuleRecord& part = modules[child];
      if (!is_written_with_layer(record, role)) add_module(part);
    }
  }

  static bool is_written_with_layer(const ModuleRecord& record, Symbol role) {
    for (const BodyLayer& layer : record.body->layers) {
      if (layer.role == role || layer.weight_quantizer == role) return true;
      if (layer.batch_norm && layer.batch_norm->role() == role) return true;
    }
    return false;
  }

  void add_params(const ModuleRecord& record) {
    if (is_quantizer(record.kind)) return;
    const bool batch_norm = record.kind.str().starts_with("nn.BatchNorm");
    if (batch_norm) {
      const ChannelAffine affine = batch_norm_affine(record, network_.tensors);
      add(record.path.str() + ".scale", affine.factor, true);
      add(record.path.str() + ".offset", affine.offset, false);
      return;
    }
    for (const auto& [name, expr] : record.params)
      add(record.path.str() + "." + name.str(), evaluate(expr, network_.tensors), name == Symbol("weight"));
  }

  const Network& network_;
  const Node& node_;
  std::vector<WrittenConstant> found_;
};

}  // namespace

bool WrittenConstant::fits() const { return largest < 65520; }  // what is below rounds to 65504
bool WrittenConstant::keeps_bits() const { return quality >= kEnough; }

std::vector<WrittenConstant> written_constants(const Network& network, const Node& node) {
  return Collector(network, node).run();
}

}  // namespace graftwork::core
