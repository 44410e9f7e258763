#include "graftwork/patterns/text/operators.h"

#include <algorithm>
#include <unordered_set>

#include "graftwork/base/text.h"

namespace graftwork::gpat {
namespace {

constexpr size_t kMostOperators = 128;  // of one position, sets spelled out
constexpr size_t kLongestName = 64;     // that is worth comparing with others

/// How many letters one must change, add or leave out to get from one to the other.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

/// The known name that is most like it; empty when none is.
std::string most_like(const std::string& name) {
  if (name.size() > kLongestName) return {};
  std::string best;
  size_t least = name.size() / 3 + 1;
  for (const Kind& kind : KindTable::builtin().all()) {
    const size_t distance = edit_distance(name, kind.name.str());
    if (distance >= least) continue;
    least = distance;
    best = kind.name.str();
  }
  return best;
}

}  // namespace

bool is_operator_name(const std::string& name) {
  return !name.starts_with("nn.") && std::count(name.begin(), name.end(), '.') >= 2;
}

const Kind* module_kind(Symbol op) {
  const Kind* kind = KindTable::builtin().find(op);
  return kind && kind->family != Family::kOperator ? kind : nullptr;
}

void refuse_kind(const Word& name, const Lexer& place) {
  const std::string best = most_like(name.text);
  const std::string shown = name.text.size() > kLongestName ? name.text.substr(0, kLongestName) + "..." : name.text;
  place.fail_at(
      name.offset, cat("there is no module kind, operator or set ", quoted(shown)),
      best.empty() ? "a kind (nn.Conv2d), an operator's whole name (aten.relu.default), or a set of \"let\"" : best);
}

std::vector<Symbol> operators_of(const std::vector<Word>& words, const OperatorSets& sets, const Lexer& place) {
  std::vector<Symbol> ops;
  std::unordered_set<Symbol> seen;
  const auto add = [&](Symbol op, const Word& word) {
    if (!seen.insert(op).second) return;
    ops.push_back(op);
    if (ops.size() > kMostOperators) {
      place.fail_at(word.offset, cat("a position has at most ", kMostOperators, " operators"), "any(%x)");
    }
  };
  for (const Word& word : words) {
    if (const auto set = sets.find(word.text); set != sets.end()) {
      for (const Symbol op : set->second) add(op, word);
    } else if (KindTable::builtin().find(word.text) || is_operator_name(word.text)) {
      add(word.text, word);
    } else if (word.text == "any") {
      place.fail_at(word.offset, "\"any\" stands for every operator already", "any(%x) alone");
    } else {
      refuse_kind(word, place);
    }
  }
  return ops;
}

void add_operator_set(const LetText& let, OperatorSets& sets, const Lexer& place) {
  const std::string& name = let.name.text;
  if (name == "any" || name == "constant" || name.find('.') != std::string::npos) {
    place.fail_at(let.name.offset, cat(quoted(name), " cannot name a set"), "a word without \".\"");
  }
  std::vector<Symbol> ops = operators_of(let.ops, sets, place);
  if (!sets.emplace(name, std::move(ops)).second) {
    place.fail_at(let.name.offset, cat("the set ", name, " is defined twice"), "another name");
  }
}

}  // namespace graftwork::gpat
