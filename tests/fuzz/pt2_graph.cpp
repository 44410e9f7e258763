// The JSON of a .pt2 file: program, config of the weights, symbolic sizes.
#include <variant>

#include "fuzz/target.h"
#include "graftwork/import/pt2/schema.h"
#include "graftwork/import/pt2/sympy_expr.h"

namespace graftwork::core::fuzz {
namespace {

void read_sizes(const std::vector<pt2::SymInt>& sizes) {
  for (const pt2::SymInt& size : sizes) {
    const auto* expression = std::get_if<pt2::SymbolicExpression>(&size);
    if (expression != nullptr) answer([&] { pt2::parse_sympy(expression->text).text(); });
  }
}

void read_program(std::string_view text) {
  const pt2::ExportedProgram program = pt2::read_exported_program(text);
  for (const auto& [name, tensor] : program.graph.tensor_values) read_sizes(tensor.sizes);
}

void read_config(std::string_view text) {
  const pt2::PayloadConfig config = pt2::read_payload_config(text);
  for (const auto& [name, payload] : config) {
    if (payload.tensor) read_sizes(payload.tensor->sizes);
  }
}

}  // namespace
}  // namespace graftwork::core::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graftwork::core::fuzz;
  const std::string_view text = as_text(data, size);
  answer([&] { read_program(text); });
  answer([&] { read_config(text); });
  answer([&] { graftwork::core::pt2::parse_sympy(text).text(); });
  return 0;
}
