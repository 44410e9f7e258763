#include "support/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <set>

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/isomorphism.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/rewrite/rewriter.h"
#include "support/golden_file.h"
#include "support/networks.h"
#include "support/shuffle.h"

namespace graftwork::core::testing {
namespace {

using Expectation = GoldenCase::Expectation;
using Pass = std::function<Report(GraphModule&)>;

/// A list of patterns or one pattern of any list; fusions run once, all others to a fix-point.
Pass find_pass(const std::string& name) {
  const auto fixpoint = [](PatternList list) {
    return [list](GraphModule& module) { return Rewriter(list).run_to_fixpoint(module); };
  };
  const auto once = [](PatternList list) {
    return [list](GraphModule& module) { return Rewriter(list).run_once(module); };
  };
  const auto only = [&](PatternList list) {
    std::erase_if(list, [&](const auto& pattern) { return pattern->name() != name; });
    return list;
  };
  if (name == "recompositions") return fixpoint(recompositions());
  if (name == "conversions") return fixpoint(tensorrt_conversions());
  if (name == "fusions") return once(tensorrt_fusions());
  if (name == "transform") {
    return [](GraphModule& module) {
      TransformationResult result = transform(module);
      module = std::move(result.model);
      return result.report;
    };
  }
  if (const PatternList list = only(recompositions()); !list.empty()) return fixpoint(list);
  if (const PatternList list = only(tensorrt_conversions()); !list.empty()) return fixpoint(list);
  if (const PatternList list = only(tensorrt_fusions()); !list.empty()) return once(list);
  throw Error("golden.pass", "there is no pass " + name);
}

/// Near misses; matches that lost to another are left out, they say nothing about the pattern.
std::vector<std::string> skipped_lines(const Report& report) {
  std::set<std::string> lines;
  for (const SkippedMatch& miss : report.skipped) {
    if (miss.winner.empty())
      lines.insert(cat("%", print_name(miss.node), " ", miss.pattern.str(), " ", quoted(miss.reason)));
  }
  return {lines.begin(), lines.end()};
}

/// Parses a part of a golden file; errors name the line of that file.
GraphModule parse_at(const GoldenFile& file, const std::string& text, size_t line) {
  return parse_network(std::string(line - 1, '\n') + text, file.path.string());
}

void expect_round_trip(const GraphModule& module) {
  const std::string text = print(module);
  const GraphModule again = parse_network(text);
  const auto found = difference(module, again);
  EXPECT_FALSE(found) << "printing and parsing loses something: " << *found;
  EXPECT_EQ(print(again), text);
}

struct Settings {
  NumericCheck numeric;
  size_t without_numeric = 0;  // cases that had no numeric check for lack of tensors
};

class GoldenTest : public ::testing::Test {
 public:
  GoldenTest(std::shared_ptr<const GoldenFile> file, const GoldenCase& golden, Pass pass,
             std::shared_ptr<Settings> settings)
      : file_(std::move(file)), case_(golden), pass_(std::move(pass)), settings_(std::move(settings)) {}

  void TestBody() override {
    const ::testing::ScopedTrace trace(file_->path.c_str(), static_cast<int>(case_.line), case_.name);
    const GraphModule before = parse_at(*file_, case_.input, case_.input_line);
    verify(before);
    expect_round_trip(before);
    GraphModule after = before.clone();
    const Report report = pass_(after);
    verify(after);
    expect_round_trip(after);
    expect_result(before, after);
    EXPECT_EQ(skipped_lines(report), case_.skipped);
    expect_idempotent(after);
    for (const uint64_t seed : {1, 2, 3}) expect_same_when_shuffled(before, after, report, seed);
    expect_same_numbers(before, after);
  }

 private:
  void expect_result(const GraphModule& before, const GraphModule& after) const {
    if (case_.expectation == Expectation::kUnchanged) {
      EXPECT_EQ(print(after), print(before));
      return;
    }
    ASSERT_FALSE(case_.expected.empty()) << "the case expects nothing yet";
    GraphModule expected = parse_at(*file_, case_.expected, case_.expected_line);
    const bool same = case_.expectation == Expectation::kSame;
    if (same) pass_(expected);
    const auto found = difference(after, expected);
    EXPECT_FALSE(found) << "got and expected differ: " << *found;
    if (!same) {
      EXPECT_EQ(print(after), case_.expected);
    }
  }

  void expect_idempotent(const GraphModule& after) const {
    GraphModule again = after.clone();
    const Report report = pass_(again);
    EXPECT_TRUE(report.applied.empty()) << "a second run changes something:\n" << report.text();
    EXPECT_EQ(print(again), print(after));
  }

  void expect_same_when_shuffled(const GraphModule& before, const GraphModule& after, const Report& report,
                                 uint64_t seed) const {
    GraphModule other = shuffled(before, seed);
    verify(other);
    const Report other_report = pass_(other);
    verify(other);
    const auto found = difference(after, other);
    EXPECT_FALSE(found) << "the order of nodes matters (seed " << seed << "): " << *found << "\n" << print(other);
    EXPECT_EQ(names_of(other), names_of(after)) << "seed " << seed;
    EXPECT_EQ(skipped_lines(other_report), skipped_lines(report)) << "seed " << seed;
  }

  static std::multiset<std::string> names_of(const GraphModule& module) {
    std::multiset<std::string> names;
    for (const Node& node : module.graph().nodes()) names.insert(node.name().str());
    return names;
  }

  void expect_same_numbers(const GraphModule& before, const GraphModule& after) const {
    if (case_.numeric_off || print(before) == print(after)) return;
    if (!settings_->numeric) {
      ++settings_->without_numeric;
      return;
    }
    const auto found = settings_->numeric(before, after, case_.tolerance, std::hash<std::string>{}(case_.name));
    EXPECT_FALSE(found) << "the results differ: " << *found;
  }

  std::shared_ptr<const GoldenFile> file_;
  const GoldenCase& case_;
  Pass pass_;
  std::shared_ptr<Settings> settings_;
};

/// Says once, at the end, what was left out.
class Summary : public ::testing::Environment {
 public:
  explicit Summary(std::shared_ptr<Settings> settings) : settings_(std::move(settings)) {}
  void TearDown() override {
    if (settings_->without_numeric == 0) return;
    std::cout << counted(settings_->without_numeric, "case")
              << " not compared numerically: no tensors in this program\n";
  }

 private:
  std::shared_ptr<Settings> settings_;
};

std::string expectation_of(const GoldenFile& file, const GoldenCase& golden) {
  const GraphModule before = parse_at(file, golden.input, golden.input_line);
  GraphModule after = before.clone();
  const Report report = find_pass(file.pass)(after);
  std::string text = "expect\n" + print(after);
  if (print(after) == print(before)) text = "expect unchanged\n";
  if (golden.expectation == Expectation::kSame) text = "expect same\n" + golden.expected;
  for (const std::string& line : skipped_lines(report)) text += "skipped " + line + "\n";
  return text;
}

void update(const GoldenFile& file) {
  std::vector<std::string> expectations;
  for (const GoldenCase& golden : file.cases) expectations.push_back(expectation_of(file, golden));
  const std::string text = with_expectations(file, expectations);
  if (text == read_text(file.path)) return;
  write_file(file.path, text);
  std::cout << "updated " << file.path.string() << "\n";
}

/// Letters and digits only, so that --gtest_filter can name it.
std::string identifier(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (plain) out += c;
    if (!plain && !out.empty() && out.back() != '_') out += '_';
  }
  while (out.ends_with('_')) out.pop_back();
  return out;
}

}  // namespace

void register_goldens(const std::filesystem::path& folder, NumericCheck numeric) {
  const auto settings = std::make_shared<Settings>(Settings{std::move(numeric), 0});
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".gir") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  if (paths.empty()) throw Error("golden.none", "there are no golden files under " + folder.string());
  const char* wanted = std::getenv("GRAFTWORK_UPDATE_GOLDENS");
  for (const std::filesystem::path& path : paths) {
    if (wanted && *wanted && std::string_view(wanted) != "0") update(read_golden(path));
    const auto file = std::make_shared<const GoldenFile>(read_golden(path));
    const Pass pass = find_pass(file->pass);
    const std::string suite = identifier(std::filesystem::relative(path, folder).replace_extension().string());
    for (const GoldenCase& golden : file->cases) {
      ::testing::RegisterTest(suite.c_str(), identifier(golden.name).c_str(), nullptr, nullptr, path.c_str(),
                              static_cast<int>(golden.line),
                              [=, &golden]() -> GoldenTest* { return new GoldenTest(file, golden, pass, settings); });
    }
  }
  ::testing::AddGlobalTestEnvironment(new Summary(settings));
}

}  // namespace graftwork::core::testing
