// Patterns: what to find in a graph, and what to put there; and backends, which have lists of them.
#pragma once

#include <graftwork/graph.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace graftwork {

namespace detail {
struct PatternState;
struct BackendState;
}  // namespace detail

/// A list that this library has.
struct BuiltInPatterns {
  int number;
};
inline constexpr BuiltInPatterns TENSORRT_CONVERSIONS{1};
inline constexpr BuiltInPatterns TENSORRT_FUSIONS{2};
/// Conversions, then fusions.
inline constexpr BuiltInPatterns TENSORRT_PATTERNS{3};
/// What `quantize` works through: where range is moved from activations to weights, and where Q/DQ go.
inline constexpr BuiltInPatterns TENSORRT_SMOOTHINGS{4};
inline constexpr BuiltInPatterns TENSORRT_QUANTIZATIONS{5};

/// An ordered list of patterns: of two matches of equal length the earlier pattern's wins.
class GRAFTWORK_API Patterns {
 public:
  /// No patterns.
  Patterns();
  Patterns(BuiltInPatterns list);
  /// Reads patterns and kernels (docs/patterns.md, docs/kernels.md). `name` is what messages call the text. Throws
  /// Error "gpat.syntax" with line and column.
  static Patterns parse(std::string_view text, std::string_view name = "patterns");
  /// The same of a file; throws Error "file.*" too.
  static Patterns read(const std::filesystem::path& path);

  /// Of all patterns, in their order.
  std::vector<std::string> names() const;
  /// Those with these names, and those without them. Throw Error "patterns.name" for a name that is not in the list.
  Patterns only(const std::vector<std::string>& names) const;
  Patterns without(const std::vector<std::string>& names) const;
  /// Those of `a` come first. Throws Error "patterns.name" where two of them have one name.
  friend GRAFTWORK_API Patterns operator+(const Patterns& a, const Patterns& b);

  explicit Patterns(detail::Held<const detail::PatternState> state) : state_(std::move(state)) {}
  const detail::Held<const detail::PatternState>& state() const { return state_; }

 private:
  detail::Held<const detail::PatternState> state_;
};

/// A pattern or kernel as text, as one stanza of a pattern file.
inline Patterns pattern(std::string_view text) { return Patterns::parse(text); }

/// All that is known of one engine.
class GRAFTWORK_API Backend {
 public:
  /// A backend that transforms by `patterns`, and for the rest is like `base`.
  Backend(std::string_view name, const Patterns& patterns, const Backend& base);

  std::string name() const;
  Patterns conversions() const;
  Patterns fusions() const;
  std::vector<std::string> smoothings() const;
  std::vector<std::string> quantizations() const;
  /// Of quantized tensors, "int8"; of the regions around them, "fp16".
  std::vector<std::string> precisions() const;
  std::vector<std::string> float_types() const;

  explicit Backend(detail::Held<const detail::BackendState> state) : state_(std::move(state)) {}
  const detail::Held<const detail::BackendState>& state() const { return state_; }

 private:
  detail::Held<const detail::BackendState> state_;
};

/// Makes it one of those there are. Throws Error "backend.name" when the name is empty or taken.
GRAFTWORK_API void add_backend(const Backend& backend);
/// Chooses. Throws Error "backend.unknown" that lists what there is.
GRAFTWORK_API void set_backend(std::string_view name);
/// The chosen one, or the only one there is. Throws Error "backend.none", "backend.choice".
GRAFTWORK_API Backend get_backend();
/// By name. Throws Error "backend.unknown" that lists what there is.
GRAFTWORK_API Backend find_backend(std::string_view name);
/// Names, in alphabetical order.
GRAFTWORK_API std::vector<std::string> discover_backends();
/// Back to the start: what was added is gone, nothing is chosen.
GRAFTWORK_API void reset_backends();

}  // namespace graftwork
