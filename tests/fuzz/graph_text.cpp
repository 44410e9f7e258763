// Printed graphs. What is read is a valid graph, prints, and reads again to the same; transforming it ends well too.
#include "fuzz/target.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "graftwork/patterns/tensorrt/tensorrt.h"
#include "graftwork/patterns/transform.h"

namespace graftwork::core::fuzz {
namespace {

void read_graph(std::string_view text) {
  const std::shared_ptr<const KindTable>& kinds = tensorrt_backend().kinds;
  const GraphModule module = parse(text, "text", kinds);
  verify(module);
  const std::string printed = print(module);
  demand(print(parse(printed, "text", kinds)) == printed);
  answer([&] { verify(transform(module).model); });
}

}  // namespace
}  // namespace graftwork::core::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graftwork::core::fuzz;
  answer([&] { read_graph(as_text(data, size)); });
  return 0;
}
