// Golden files: networks in, networks and reasons out, as text.
//
//     // pass: ConvBNActPattern
//
//     case "a convolution and its activation become one module"
//     numeric 1e-4                                 (optional; or: numeric off "why")
//     graph(%x: f32[1, 3, 8, 8]) { ... }
//     expect                                       (or: expect unchanged, expect same)
//     graph(%x: f32[1, 3, 8, 8]) { ... }
//     skipped %c ConvBNActPattern "%c is used outside the match, by return"
//
// `expect same` is followed by a second input that must give the same result. `skipped` lists the near misses. All
// from `expect` to the next case is written by the runner on request; only its author judges it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace graftwork::core::testing {

struct GoldenCase {
  enum class Expectation { kGraph, kUnchanged, kSame };

  std::string name;
  size_t line = 0;    ///< Where the case starts, from 1.
  std::string input;  ///< The printed form of a network.
  size_t input_line = 0;
  Expectation expectation = Expectation::kGraph;
  std::string expected;  ///< The result, or for kSame the second input; empty for kUnchanged.
  size_t expected_line = 0;
  std::vector<std::string> skipped;        ///< `%node Pattern "reason"`.
  double tolerance = 1e-5;                 ///< Of the numeric check, relative.
  std::optional<std::string> numeric_off;  ///< Why there is no numeric check.

  size_t expect_begin = 0;  ///< Lines, from 0: the part that an update rewrites.
  size_t expect_end = 0;
};

struct GoldenFile {
  std::filesystem::path path;
  std::string pass;
  std::vector<std::string> lines;
  std::vector<GoldenCase> cases;
};

/// Throws Error "golden.syntax" with file and line.
GoldenFile read_golden(const std::filesystem::path& path);

/// The file's text with the expectation of each case replaced; `expectations` has one text a case, whole lines.
std::string with_expectations(const GoldenFile& file, const std::vector<std::string>& expectations);

}  // namespace graftwork::core::testing
