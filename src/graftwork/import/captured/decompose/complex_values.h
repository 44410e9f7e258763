// Which values of a program are complex numbers, and the constants that their forms read.
#pragma once

#include <map>
#include <optional>
#include <unordered_set>

#include "graftwork/import/captured/decompose/pairs.h"
#include "graftwork/import/common/unique_names.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork::core::captured {

/// Complex values become pairs under the names that they have. Operators without a form keep theirs: conversions stand
/// in front of them and behind, as they stand behind complex inputs of the network and in front of complex results.
class ComplexValues {
 public:
  ComplexValues(Program& program, UniqueNames& names, TensorStore& tensors)
      : program_(program), names_(names), tensors_(tensors) {}

  /// Takes over what the program says of its complex tensors. Inputs of the network stay complex: the calls that make
  /// pairs of them are added to it, and `renaming` gets the names by which others read them.
  void take_over(std::unordered_map<std::string, std::string>& renaming);
  /// Results of the network become complex again.
  void give_back();

  bool contains(const std::string& name) const { return pairs_.contains(name); }
  /// A value that a call makes.
  void add(const std::string& name, const TensorMeta& complex);
  /// Whether the call reads or makes complex numbers.
  bool touches(const Call& call) const;
  /// With real element types in the place of complex ones, and with pairs in the place of complex numbers.
  Call on_pairs(const Call& call);
  /// Rewrites a call that moves numbers (move_pairs) and says whether it was one.
  bool move(Call& call) const;
  /// Adds the call to the program as it is.
  void keep(Call call);

  /// The name by which calls read the constant.
  const std::string& name_of(const FormConstant& constant);
  /// The constants become tensors of the network. False, and none does, where they would be too large.
  bool store(const std::vector<std::string>& keys);

 private:
  struct Known {
    FormConstant constant;
    std::string name;
    bool is_stored = false;
  };

  const TensorMeta* meta_of(const std::string& name) const;
  /// The value that pairs are seen as by what has no form on pairs; made once for all its readers.
  const std::string& as_complex(const std::string& name, const Call& reader);
  std::string converted(const char* op, const std::string& name, const std::string& wanted, const Call& reader);

  Program& program_;
  UniqueNames& names_;
  TensorStore& tensors_;
  std::unordered_set<std::string> pairs_;
  std::map<std::string, Known> constants_;                // by key
  std::unordered_map<std::string, std::string> complex_;  // pairs that were made complex again
  int64_t stored_bytes_ = 0;
};

}  // namespace graftwork::core::captured
