// A backend: all that is known of one engine, as one value.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/base/dtype.h"
#include "graftwork/ir/kind.h"
#include "graftwork/patterns/placement/placement_rules.h"
#include "graftwork/patterns/placement/quantization_pattern.h"
#include "graftwork/patterns/placement/smoothing_pattern.h"
#include "graftwork/rewrite/pattern.h"

namespace graftwork::core {

/// What an engine takes in a file.
struct FileRules {
  /// Highest opset of ONNX that it reads; absent: whatever is written.
  std::optional<int64_t> highest_opset = std::nullopt;
  /// Products take activation and weight scales of one type, so that tiny ones must be rounded to FP16 with the others.
  bool products_take_scales_of_one_type = false;
  /// A quantized 1×1 convolution of one pixel whose result is only flattened is written as a product.
  bool pixel_convolutions_as_products = false;
  /// Quantized convolutions of one sample with at most so many input channels run in floating point where the picture
  /// is one pixel wide: they are written with a further axis of one element.
  int64_t narrow_channels = 0;
  /// UINT8 may only be cast, right behind an input or in front of a result; inside of the file its numbers stand in the
  /// type of the float regions.
  bool only_casts_uint8 = false;
  /// Element types that it has none of.
  std::vector<DType> missing_types = {};
  /// Forms that it has none for: they are written as others that compute the same.
  bool lacks_dilated_pools = false;
  bool lacks_strided_dilated_deconvolutions = false;
  bool lacks_softmax_of_vectors = false;
  bool lacks_reducing_scatters = false;
  /// It takes a group norm of one group for an instance norm, and norms of less than three dimensions or of single
  /// numbers for none.
  bool misreads_edge_group_norms = false;
};

/// It goes through transform, place, quantize and export; nothing outside of it knows the engine.
struct Backend {
  std::string name;
  /// torch's kinds and the engine's kernels, with the guard that says which layers have a low-precision one.
  std::shared_ptr<const KindTable> kinds = KindTable::torch();
  PatternList conversions = {};         ///< Run to a fix-point.
  PatternList fusions = {};             ///< Run once.
  SmoothingList smoothings = {};        ///< Where range may move from activations to weights.
  QuantizationList quantizations = {};  ///< What adds or removes stubs around kernels.
  PlacementRules placement = {};
  std::vector<std::string> precisions = {"int8"};           ///< Of quantized tensors.
  std::vector<std::string> float_types = {"fp16", "fp32"};  ///< Of the regions around them.
  FileRules file = {};
};

/// Backends by name, and the one that is used. The only one there is chosen by itself. Thread-safe.
class BackendRegistry {
 public:
  explicit BackendRegistry(std::vector<Backend> backends = {});
  ~BackendRegistry();
  BackendRegistry(const BackendRegistry&) = delete;
  BackendRegistry& operator=(const BackendRegistry&) = delete;

  /// Throws Error "backend.name" when the name is empty or taken.
  void add(Backend backend);
  /// Chooses. Throws Error "backend.unknown" that lists what there is.
  void set(std::string_view name);
  /// By name. Throws Error "backend.unknown" that lists what there is.
  std::shared_ptr<const Backend> find(std::string_view name) const;
  /// The chosen one. Throws Error "backend.none" when there are none, "backend.choice" when there are several and none
  /// is chosen.
  std::shared_ptr<const Backend> get() const;
  /// Names, in alphabetical order.
  std::vector<std::string> names() const;
  /// These and no others; nothing is chosen then.
  void reset(std::vector<Backend> backends);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The registry of the process. It starts with "tensorrt".
BackendRegistry& backends();

/// `backends()` by other names: choosing, asking, listing.
void set_backend(std::string_view name);
std::shared_ptr<const Backend> get_backend();
std::vector<std::string> discover_backends();
/// `backend`, or where it is null the one that is used.
std::shared_ptr<const Backend> or_used(std::shared_ptr<const Backend> backend);
/// Back to the start: what was added is gone, nothing is chosen.
void reset_backends();

}  // namespace graftwork::core
