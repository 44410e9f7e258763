// Writes new calls into the graph of an exported program.
#pragma once

#include <string>
#include <vector>

#include "graftwork/import/common/unique_names.h"
#include "graftwork/import/pt2/schema.h"

namespace graftwork::pt2 {

/// Appends to `graph.nodes`. Results get names of their own and, where the caller knows it, a type.
class Emitter {
 public:
  /// Names in use are those of the graph as it is.
  explicit Emitter(Graph& graph);

  /// `wanted`, or `wanted_1`, ... when that is taken.
  std::string unique(const std::string& wanted) { return names_.make(wanted); }

  /// Lets a name be given again: what had it is no more.
  void release(const std::string& name) { names_.release(name); }

  /// Appends a node that the caller made. Throws Error "pt2.in_place" when the program has grown beyond all measure:
  /// views of views that are written again and again cost their number squared.
  void append(Node node);

  /// A call with one result, which takes origin and metadata from `origin`. `meta` may be null: then its type is not
  /// known. `op` is the graph's name: "aten.select_scatter.default".
  std::string call(std::string_view op, std::vector<NamedArgument> inputs, const TensorMeta* meta, const Node& origin,
                   const std::string& wanted);

  /// Sizes as an argument: numbers where they are, -1 for a single run-time one where `infer`, else read from `like`,
  /// whose shape they are.
  Argument sizes(const TensorMeta& meta, const std::string& like, bool infer, const Node& origin);

  Graph& graph() { return graph_; }

 private:
  Graph& graph_;
  UniqueNames names_;
  size_t most_nodes_;
};

NamedArgument positional(std::string name, Argument value);
Argument tensor(const std::string& name);

}  // namespace graftwork::pt2
