#include "graftwork/patterns/text/operators.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/activation.h"

namespace graftwork::core::gpat {
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

}  // namespace

bool is_operator_name(const std::string& name) {
  return name == "get_item" || (!name.starts_with("nn.") && std::count(name.begin(), name.end(), '.') >= 2);
}

Vocabulary::Vocabulary(std::shared_ptr<const KindTable> kinds) : kinds_(std::move(kinds)) {
  sets_.emplace("activation", fusible_activations());
}

const Kind* Vocabulary::module_kind(Symbol op) const {
  const Kind* kind = kinds_->find(op);
  return kind && kind->family != Family::kOperator ? kind : nullptr;
}

void Vocabulary::add(Kind kind, size_t offset, const Lexer& place) {
  try {
    std::vector<Kind> one;
    one.push_back(std::move(kind));
    kinds_ = kinds_->with(std::move(one));
  } catch (const Error& error) {
    place.fail_at(offset, error.message(), error.hint());
  }
}

/// The known name that is most like it; empty when none is.
std::string Vocabulary::most_like(const std::string& name) const {
  if (name.size() > kLongestName) return {};
  std::string best;
  size_t least = name.size() / 3 + 1;
  for (const std::shared_ptr<const Kind>& kind : kinds_->all()) {
    const size_t distance = edit_distance(name, kind->name.str());
    if (distance >= least) continue;
    least = distance;
    best = kind->name.str();
  }
  return best;
}

void Vocabulary::refuse_kind(const Word& name, const Lexer& place) const {
  const std::string best = most_like(name.text);
  std::string shown = name.text.substr(0, kLongestName);
  if (shown.size() < name.text.size()) shown += "...";
  place.fail_at(
      name.offset, cat("there is no module kind, operator or set ", quoted(shown)),
      best.empty() ? "a kind (nn.Conv2d), an operator's whole name (aten.relu.default), or a set of \"let\"" : best);
}

std::vector<Symbol> Vocabulary::operators_of(const std::vector<Word>& words, const Lexer& place) const {
  std::vector<Symbol> ops;
  std::unordered_set<Symbol> seen;
  const auto add_one = [&](Symbol op, const Word& word) {
    if (!seen.insert(op).second) return;
    ops.push_back(op);
    if (ops.size() > kMostOperators) {
      place.fail_at(word.offset, cat("a position has at most ", kMostOperators, " operators"), "any(%x)");
    }
  };
  for (const Word& word : words) {
    if (const auto set = sets_.find(word.text); set != sets_.end()) {
      for (const Symbol op : set->second) add_one(op, word);
    } else if (kinds_->find(word.text) || is_operator_name(word.text)) {
      add_one(word.text, word);
    } else if (word.text == "any") {
      place.fail_at(word.offset, "\"any\" stands for every operator already", "any(%x) alone");
    } else {
      refuse_kind(word, place);
    }
  }
  return ops;
}

void Vocabulary::add(const LetText& let, const Lexer& place) {
  const std::string& name = let.name.text;
  if (name == "any" || name == "constant" || name == "kernel" || name.find('.') != std::string::npos) {
    place.fail_at(let.name.offset, cat(quoted(name), " cannot name a set"), "a word without \".\"");
  }
  std::vector<Symbol> ops = operators_of(let.ops, place);
  if (!own_sets_.insert(name).second) {
    place.fail_at(let.name.offset, cat("the set ", name, " is defined twice"), "another name");
  }
  sets_[name] = std::move(ops);
}

}  // namespace graftwork::core::gpat
