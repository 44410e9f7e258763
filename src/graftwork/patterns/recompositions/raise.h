// What the recompositions share: reading an operator's arguments, and naming the module that it becomes.
#pragma once

#include <initializer_list>
#include <optional>
#include <vector>

#include "graftwork/rewrite/pattern.h"

namespace graftwork::core {

/// Integers of an attribute, one number repeated to `count`; `fallback` when the attribute is absent.
/// Nothing when the attribute is of another kind (a run-time size, say).
std::optional<std::vector<int64_t>> integers_of(const Node& node, Symbol attr, size_t count, int64_t fallback);

/// A number (integer or float), `fallback` when absent; NaN when it is known at run time only, so that it equals none.
double number_of(const Node& node, Symbol attr, double fallback);
int64_t integer_of(const Node& node, Symbol attr, int64_t fallback);
bool flag_of(const Node& node, Symbol attr, bool fallback);

/// Input `slot` as a parameter expression; null when there is no such input or it is computed at run time.
const ParamExpr* parameter_input(const Node& node, size_t slot);

/// A record of `kind` at the operator's module path.
ModuleRecord module_at(const Node& node, Symbol kind);

/// Sets an attribute of the record, or leaves it out where this is the kind's default.
void set_attr(ModuleRecord& record, Symbol attr, Attribute value);

/// set_attr with the operator's argument of the same name; where it has none, the kind's default holds. Declines when
/// the argument is known at run time only, or is none that the kind takes.
Outcome copy_attr(ModuleRecord& record, Symbol attr, const Node& node);

/// Binds the operator's inputs behind the first to the record's parameters of these names, in order; those that are
/// absent or `none` are left out. Declines when one is computed at run time.
Outcome bind_params(const Node& node, std::initializer_list<Symbol> names, ModuleRecord& record);

/// Replaces `old` by a call of `record` on `inputs`. A module that is called again keeps its record.
Outcome raise_to(Graft& graft, Node& old, ModuleRecord record, std::initializer_list<Node*> inputs);

}  // namespace graftwork::core
