// The numbers by which torch.export's schema knows element types; they are not those of c10::ScalarType.
#pragma once

#include <optional>

#include "graftwork/base/dtype.h"
#include "graftwork/import/pt2/schema_argument.h"

namespace graftwork::core::pt2 {

/// Nothing for types that the graph has no name for (complex, unsigned wide integers).
std::optional<DType> dtype_of(ScalarType type);
/// Of complex numbers, the type of their real and imaginary parts; nothing for other types.
std::optional<DType> parts_of(ScalarType type);
ScalarType scalar_type_of(DType dtype);

/// Whether schema 8 has such a type.
bool is_scalar_type(int64_t number);

}  // namespace graftwork::core::pt2
