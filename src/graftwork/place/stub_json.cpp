#include "graftwork/place/stub_json.h"

namespace graftwork::core {

using Json = JsonFields::Json;

Json reader_json(const StubReader& reader) { return {{"module", reader.module.str()}, {"input", reader.input}}; }

Json missing_json(const MissingStub& missing) {
  Json json = reader_json(missing.reader);
  json["reason"] = missing.reason;
  if (!missing.value.empty()) json["value"] = missing.value.str();
  return json;
}

Json weight_json(const PlannedWeight& weight) {
  Json json{{"module", weight.module.str()},
            {"layer", weight.layer.str()},
            {"quantized", weight.quantized},
            {"reason", weight.reason}};
  if (weight.precision != Precision::kInt8) json["precision"] = name_of(weight.precision);
  if (weight.block_size > 0) json["block_size"] = weight.block_size;
  return json;
}

}  // namespace graftwork::core
