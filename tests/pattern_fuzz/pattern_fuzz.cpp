// Transforms random networks and looks for anything that must not happen.
//     pattern_fuzz [--count N] [--seed FIRST] [--motifs M] [--print SEED]
//
// Of every network: it is valid before and after; every result is what it was; the order in which nodes are stored and
// their names do not matter; a second run changes nothing; the plan of the transformation, carried out, gives the same;
// Q/DQ can be placed; it can be written, of the types and shapes that ONNX's rules give. At the end every pattern of
// the lists must have been applied, so that the search covers them.
#include <ATen/Parallel.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

#include "graftwork/export/lower.h"
#include "graftwork/ir/isomorphism.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/place/stub_plan.h"
#include "pattern_fuzz/random_network.h"
#include "support/networks.h"
#include "support/same_numbers.h"
#include "support/shuffle.h"

namespace graftwork::core::testing {
namespace {

/// Rounding differs where sums are ordered otherwise.
constexpr double kTolerance = 1e-3;

struct Options {
  uint64_t count = 200;
  uint64_t first = 1;
  size_t motifs = 10;
  std::optional<uint64_t> print;
};

using Applied = std::map<std::string, size_t>;

/// Parameters that keep values near 1 through many layers.
TensorStore scaled_parameters(const GraphModule& module) {
  TensorStore tensors = random_parameters(module);
  TensorStore scaled;
  for (const auto& [name, tensor] : tensors) {
    const double fan_in =
        tensor.dim() > 1 ? static_cast<double>(tensor.numel()) / static_cast<double>(tensor.size(0)) : 1;
    scaled.set(name, tensor / std::sqrt(fan_in));
  }
  return scaled;
}

/// How the results of the two differ. A fake-quantizer makes a whole step of a rounding error where a value lies
/// between two codes, on few inputs; a pattern that is wrong shows on others too. So networks with one must differ on
/// three.
std::optional<std::string> different_results(const GraphModule& network, const GraphModule& result,
                                             const std::string& text, uint64_t seed) {
  const TensorStore tensors = scaled_parameters(network);
  const uint64_t inputs = text.find("fake_quantize") == std::string::npos ? 1 : 3;
  std::optional<std::string> found;
  for (uint64_t i = 0; i < inputs; ++i) {
    found = different_numbers(network, result, tensors, kTolerance, seed + i * 1'000'003);
    if (!found) break;
  }
  return found;
}

/// What is wrong with the network; nothing when all is well.
std::optional<std::string> check(const std::string& text, uint64_t seed, Applied* applied) {
  try {
    const GraphModule network = parse_network(text);
    verify(network);
    const TransformationResult result = transform(network);
    verify(result.model);
    if (applied) {
      for (const AppliedMatch& match : result.report.applied) ++(*applied)[match.pattern.str()];
    }
    const std::string printed = print(result.model);
    if (print(parse_network(printed)) != printed) return "printing and parsing the result loses something";
    if (auto found = different_results(network, result.model, text, seed)) return found;
    const TransformationResult other = transform(shuffled(network, seed));
    if (auto found = difference(result.model, other.model)) return "the order of the nodes matters: " + *found;
    if (print(transform(result.model).model) != printed) return "a second run changes something";
    const TransformationResult planned = apply_transformation_plan(network, get_transformation_plan(network));
    if (print(planned.model) != printed) return "the plan, carried out, gives another network";
    GraphModule quantized = result.model.clone();
    StubPlan plan = plan_stubs(quantized, {});
    check_stub_plan(quantized, plan);
    apply_stub_plan(quantized, plan);
    verify(quantized);
    lower({result.model.clone(), scaled_parameters(network)}, {.float_type = DType::kF32, .backend = nullptr});
    return std::nullopt;
  } catch (const Error& error) {
    return error.report();
  }
}

/// The fewest motifs of the same seed that still go wrong.
size_t shrunk(uint64_t seed, size_t motifs) {
  for (size_t fewer = 1; fewer < motifs; ++fewer) {
    if (check(random_network(seed, fewer), seed, nullptr)) return fewer;
  }
  return motifs;
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--count") options.count = value;
    if (name == "--seed") options.first = value;
    if (name == "--motifs") options.motifs = value;
    if (name == "--print") options.print = value;
  }
  return options;
}

std::vector<std::string> never_applied(const Applied& applied) {
  std::vector<std::string> names;
  for (const PatternList& list : {recompositions(), tensorrt_conversions(), tensorrt_fusions()}) {
    for (const auto& pattern : list) {
      if (!applied.contains(std::string(pattern->name()))) names.emplace_back(pattern->name());
    }
  }
  return names;
}

int run(const Options& options) {
  if (options.print) {
    std::cout << random_network(*options.print, options.motifs);
    return 0;
  }
  Applied applied;
  for (uint64_t seed = options.first; seed < options.first + options.count; ++seed) {
    if (!check(random_network(seed, options.motifs), seed, &applied)) continue;
    const size_t motifs = shrunk(seed, options.motifs);
    const std::string text = random_network(seed, motifs);
    std::cout << "seed " << seed << ", " << motifs << " motifs: " << *check(text, seed, nullptr) << "\n" << text;
    return 1;
  }
  for (const auto& [name, count] : applied) std::cout << count << "  " << name << "\n";
  const std::vector<std::string> missing = never_applied(applied);
  std::cout << options.count << " networks from seed " << options.first << ": nothing found\n";
  for (const std::string& name : missing) std::cout << name << " was never applied: the search does not cover it\n";
  return missing.empty() ? 0 : 1;
}

}  // namespace
}  // namespace graftwork::core::testing

int main(int argc, char** argv) {
  at::set_num_threads(1);
  return graftwork::core::testing::run(graftwork::core::testing::read_options(argc, argv));
}
