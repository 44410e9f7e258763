// Records of modules: what a call_module node calls.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graftwork/base/symbol_map.h"
#include "graftwork/ir/attribute.h"
#include "graftwork/ir/param_expr.h"

namespace graftwork::core {

class Graft;
struct Kind;
class KindTable;
struct ResolvedBody;

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
  // The next three are set by the table that the record is in.
  uint32_t size = 1;                   ///< Modules and operators that one call runs, those in parts too.
  bool has_low_precision = true;       ///< Whether the engine has a low-precision kernel for the module itself.
  const ResolvedBody* body = nullptr;  ///< What the parts compute together.
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
  explicit ModuleTable(std::shared_ptr<const KindTable> kinds);
  ModuleTable();

  /// The kinds that records may be of.
  const KindTable& kinds() const { return *kinds_; }
  const std::shared_ptr<const KindTable>& shared_kinds() const { return kinds_; }
  /// Takes the kinds of an engine, and keeps those that it has beside them. Throws Error "ir.kind" where two of one
  /// name differ.
  void use_kinds(std::shared_ptr<const KindTable> kinds);

  /// Requires a path that is not taken. Throws as check_attributes and resolve_body do.
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

  /// How many bodies the records share.
  size_t body_count() const;

 private:
  friend class Graft;
  friend struct GraphTestAccess;

  /// What a new record and a changed one must pass; sets what the table sets. Throws as check_attributes and
  /// resolve_body do.
  void admit(ModuleRecord& record);
  /// A record that no node calls yet.
  ModuleRecord& edit_new(ModuleId id) { return records_[id.index]; }
  /// Puts a changed record in the place of the one that it was made from, which comes back in `record`. Requires
  /// admit(), the same path and the same kind.
  void swap(ModuleId id, ModuleRecord& record) noexcept;
  /// Takes back the records added last, so that `size` remain.
  void truncate(size_t size) noexcept;

  struct SharedBody {
    std::vector<std::pair<Symbol, Symbol>> parts;  // role and kind, as children stand
    std::shared_ptr<const ResolvedBody> body;
  };
  const ResolvedBody* body_of(const ModuleRecord& record);
  uint32_t size_of(const ModuleRecord& record) const;

  std::shared_ptr<const KindTable> kinds_;
  std::unordered_map<Symbol, std::vector<SharedBody>> bodies_;  // by kind
  std::deque<ModuleRecord> records_;
  SymbolMap<ModuleId> by_path_;
  SymbolMap<size_t> counts_;  // records per kind: where fresh_path starts to look
};

}  // namespace graftwork::core
