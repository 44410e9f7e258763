// The readers of the schema's parts that more than one file needs.
#pragma once

#include "graftwork/import/pt2/schema.h"
#include "graftwork/import/pt2/schema_cursor.h"

namespace graftwork::core::pt2 {

Argument read_argument(const Cursor& at);
TensorName read_tensor_name(const Cursor& at);
CustomObject read_custom_object(const Cursor& at);
Device read_device(const Cursor& at);
ScalarType read_scalar_type(const Cursor& at);
Layout read_layout(const Cursor& at);
Graph read_graph(const Cursor& at);
SymInt read_sym_int(const Cursor& at);
SymFloat read_sym_float(const Cursor& at);
SymBool read_sym_bool(const Cursor& at);
TensorMeta read_tensor_meta(const Cursor& at);
GraphSignature read_signature(const Cursor& at);

inline int64_t read_integer(const Cursor& at) { return at.integer(); }
inline double read_number(const Cursor& at) { return at.number(); }
inline bool read_boolean(const Cursor& at) { return at.boolean(); }
inline std::string read_text(const Cursor& at) { return at.text(); }

}  // namespace graftwork::core::pt2
