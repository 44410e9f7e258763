// The rules of a recipe's policy, from JSON.
#pragma once

#include <vector>

#include "graftwork/place/json_fields.h"
#include "graftwork/place/policy_rules.h"

namespace graftwork::core {

/// The list "rules" of the policy; empty where there is none. Throws Error "config.*" that names the key.
std::vector<PolicyRule> read_rules(const JsonFields& policy);

/// `fields`' key as a precision. Throws Error "config.value" for what is none.
Precision read_precision(const JsonFields& fields, const std::string& key, const std::string& fallback);
/// `fields`' key "block_size" for a weight of `precision`; 0 where it is left out.
int64_t read_block_size(const JsonFields& fields, Precision precision);

}  // namespace graftwork::core
