// Records of modules: what a call_module node calls.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graftwork/base/symbol.h"
#include "graftwork/ir/attribute.h"
#include "graftwork/ir/param_expr.h"

namespace graftwork {

class Graft;

/// Index of a record in its ModuleTable.
struct ModuleId {
  uint32_t index = UINT32_MAX;
  explicit operator bool() const { return index != UINT32_MAX; }
  friend auto operator<=>(const ModuleId&, const ModuleId&) = default;
};

/// One module: its kind ("nn.Conv2d"), attributes, parameters, and, for fused modules, its parts by role.
/// Two nodes with one record are one module called twice.
struct ModuleRecord {
  Symbol path;  ///< Unique in the table: "layer1.0.conv1", "FusedConvBNAct_3".
  Symbol kind;
  AttrMap attrs;
  std::vector<std::pair<Symbol, ParamExpr>> params;
  std::vector<std::pair<Symbol, ModuleId>> children;

  const ParamExpr* param(Symbol name) const;
  /// The child with this role; a false id when there is none.
  ModuleId child(Symbol role) const;
  void set_param(Symbol name, ParamExpr value);
};

/// All records of a GraphModule. Builders add; grafts (rewrite/graft.h) change. Records are never removed: children of
/// fused modules stay where they were, and an id never dangles.
class ModuleTable {
 public:
  /// Requires a path that is not taken. Throws as check_attributes does.
  ModuleId add(ModuleRecord record);
  ModuleId find(Symbol path) const;
  const ModuleRecord& operator[](ModuleId id) const { return records_[id.index]; }
  size_t size() const { return records_.size(); }

  /// "FusedConvBN_0", "FusedConvBN_1", ...: the first of this kind's numbers that is not taken.
  Symbol fresh_path(Symbol kind) const;
  /// Whether the record is named after its kind and a number.
  bool is_instance(ModuleId id) const;
  /// `path`, or `path_1`, `path_2`, ... when that is taken.
  Symbol unique_path(Symbol path) const;

 private:
  friend class Graft;
  friend struct GraphTestAccess;

  /// What a new record and a changed one must pass. Throws as check_attributes does.
  void admit(const ModuleRecord& record) const;
  /// Puts a changed record in the place of the one that it was made from, which comes back in `record`. Requires
  /// admit(), the same path and the same kind.
  void swap(ModuleId id, ModuleRecord& record) noexcept;
  /// Takes back the records added last, so that `size` remain.
  void truncate(size_t size) noexcept;

  std::deque<ModuleRecord> records_;
  std::unordered_map<Symbol, ModuleId> by_path_;
  std::unordered_map<Symbol, size_t> counts_;  // records per kind: where fresh_path starts to look
};

}  // namespace graftwork
