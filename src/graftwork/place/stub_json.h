// What plans and reports say alike of readers, stubs that are missing, and weights.
#pragma once

#include <nlohmann/json.hpp>

#include "graftwork/place/json_fields.h"
#include "graftwork/place/stub_plan.h"

namespace graftwork::core {

JsonFields::Json reader_json(const StubReader& reader);
JsonFields::Json missing_json(const MissingStub& missing);
JsonFields::Json weight_json(const PlannedWeight& weight);

}  // namespace graftwork::core
