// Calls that are simpler for what is known while the graph is built: most need no operator at all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graftwork/import/captured/values.h"

namespace graftwork::core::captured {

/// A call that is about to become a node.
struct PendingCall {
  /// A value that it makes. Without a name where it is None.
  struct Result {
    std::string name;
    Type type;
  };

  Symbol op;
  std::string name;  ///< Of the call.
  BoundArguments bound;
  std::vector<Result> results;
  Origin origin;
  Meaning made = {};  ///< An operand that the scope does not hold.
};

class CallSimplifier {
 public:
  explicit CallSimplifier(Values& values) : values_(values) {}

  /// What a call without problems results in, where no operator has to run for it, or others than its own do: what is
  /// known now, an operand that is passed on, two slices of one that is rotated. One for each result.
  std::optional<std::vector<Meaning>> results_of(const PendingCall& call);

  /// Writes a call without problems in its simplest form: numbers that are chosen are filled in, a view says what is
  /// left instead of a size that is computed.
  void simplify(PendingCall& call);

  /// Sizes that nothing asks for any more, and tensors that were made to be filled in and serve nothing else. Once,
  /// when the graph is complete.
  void remove_unused();

 private:
  std::optional<Meaning> passed_on(const PendingCall& call);
  std::optional<std::vector<Meaning>> folded(const PendingCall& call);
  std::optional<Meaning> rotated(const PendingCall& call);
  std::optional<Meaning> filled(const PendingCall& call);
  void fill_in(PendingCall& call);
  Meaning inverted(Meaning& mask, const std::string& name, Origin origin);
  std::optional<double> only_number(const Meaning& value);

  Values& values_;
  std::vector<Node*> filled_in_;  // tensors of one number that something fills in
};

}  // namespace graftwork::core::captured
