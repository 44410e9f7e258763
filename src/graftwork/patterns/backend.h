// Backends: what one runtime understands and runs as one kernel, as a named set of pattern lists.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/rewrite/pattern.h"

namespace graftwork {

struct Backend {
  std::string name;
  PatternList conversions;                  ///< Run to a fix-point.
  PatternList fusions;                      ///< Run once.
  PatternList smoothings = {};              ///< Where to move range from activations to weights.
  PatternList quantizations = {};           ///< What adds or removes stubs around fused modules.
  std::set<std::string> capabilities = {};  ///< "int8", "fp8", ...: what its kernels can do.

  bool can(std::string_view capability) const { return capabilities.contains(std::string(capability)); }
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
/// Back to the start: what was added is gone, nothing is chosen.
void reset_backends();

/// TENSORRT_* lists and what its INT8 kernels are.
Backend tensorrt_backend();

}  // namespace graftwork
