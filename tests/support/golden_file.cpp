#include "support/golden_file.h"

#include <charconv>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"

namespace graftwork::core::testing {
namespace {

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) {
    file_.path = path;
    std::istringstream stream(read_text(path));
    for (std::string line; std::getline(stream, line);) file_.lines.push_back(line);
  }

  GoldenFile run() {
    constexpr std::string_view kPass = "// pass: ";
    for (; at_ < file_.lines.size() && !starts_with("case "); ++at_) {
      if (starts_with(kPass)) file_.pass = rest(kPass);
      if (!line().empty() && !starts_with("//")) fail("a golden file starts with comments");
    }
    if (file_.pass.empty()) fail("no line \"// pass: NAME\"");
    while (at_ < file_.lines.size()) read_case();
    if (file_.cases.empty()) fail("no case");
    return std::move(file_);
  }

 private:
  const std::string& line() const { return file_.lines[at_]; }
  bool starts_with(std::string_view start) const { return at_ < file_.lines.size() && line().starts_with(start); }
  std::string rest(std::string_view start) const { return line().substr(start.size()); }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error("golden.syntax", what).at(cat(file_.path.string(), ":", at_ + 1));
  }

  void skip_blank() {
    while (at_ < file_.lines.size() && (line().empty() || starts_with("//"))) ++at_;
  }

  std::string in_quotes(const std::string& text) const {
    if (text.size() < 3 || text.front() != '"' || text.back() != '"') fail("expected text in quotes");
    return text.substr(1, text.size() - 2);
  }

  void read_case() {
    GoldenCase result;
    result.line = at_ + 1;
    result.name = in_quotes(rest("case "));
    ++at_;
    skip_blank();
    if (starts_with("numeric ")) read_numeric(result);
    skip_blank();
    result.input_line = at_ + 1;
    result.input = read_graph();
    skip_blank();
    read_expectation(result);
    file_.cases.push_back(std::move(result));
    skip_blank();
    if (at_ < file_.lines.size() && !starts_with("case ")) fail("expected a case");
  }

  void read_numeric(GoldenCase& result) {
    const std::string value = rest("numeric ");
    if (value.starts_with("off ")) {
      result.numeric_off = in_quotes(value.substr(4));
    } else if (std::from_chars(value.data(), value.data() + value.size(), result.tolerance).ec != std::errc()) {
      fail("numeric takes a tolerance, or off and a reason");
    }
    ++at_;
  }

  /// From "graph(" to the line "}".
  std::string read_graph() {
    if (!starts_with("graph(")) fail("expected a network");
    std::string text;
    while (at_ < file_.lines.size()) {
      text += line() + "\n";
      if (file_.lines[at_++] == "}") return text;
    }
    fail("the network is not closed");
  }

  /// A case without any is new: an update gives it one.
  void read_expectation(GoldenCase& result) {
    result.expect_begin = result.expect_end = at_;
    if (!starts_with("expect")) return;
    const std::string what = line();
    ++at_;
    if (what == "expect unchanged") {
      result.expectation = GoldenCase::Expectation::kUnchanged;
    } else {
      if (what == "expect same") result.expectation = GoldenCase::Expectation::kSame;
      if (what != "expect same" && what != "expect") fail("expect, expect unchanged or expect same");
      result.expected_line = at_ + 1;
      result.expected = read_graph();
    }
    for (; starts_with("skipped "); ++at_) result.skipped.push_back(rest("skipped "));
    result.expect_end = at_;
  }

  GoldenFile file_;
  size_t at_ = 0;
};

}  // namespace

GoldenFile read_golden(const std::filesystem::path& path) { return Reader(path).run(); }

std::string with_expectations(const GoldenFile& file, const std::vector<std::string>& expectations) {
  std::string text;
  size_t at = 0;
  const auto copy_until = [&](size_t end) {
    for (; at < end; ++at) text += file.lines[at] + "\n";
  };
  for (size_t i = 0; i < file.cases.size(); ++i) {
    copy_until(file.cases[i].expect_begin);
    text += expectations[i];
    at = file.cases[i].expect_end;
    if (at == file.cases[i].expect_begin && at < file.lines.size() && !file.lines[at].empty()) text += "\n";
  }
  copy_until(file.lines.size());
  return text;
}

}  // namespace graftwork::core::testing
