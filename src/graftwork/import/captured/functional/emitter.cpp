#include "graftwork/import/captured/functional/emitter.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/captured/functional/view.h"
#include "graftwork/import/captured/names_in_use.h"

namespace graftwork::core::captured {

Emitter::Emitter(Program& program)
    : program_(program), names_(names_in_use(program)), most_calls_(10'000 + 4 * program.calls.size()) {}

void Emitter::append(Call call) {
  if (program_.calls.size() >= most_calls_) {
    throw Error("pt2.in_place",
                cat("making the in-place writes functional takes more than ", most_calls_, " operators"),
                "writing the out-of-place form in the model");
  }
  program_.calls.push_back(std::move(call));
}

std::string Emitter::call(Symbol op, std::vector<NamedArgument> inputs, const TensorMeta* meta, const Call& origin,
                          const std::string& wanted) {
  const std::string name = unique(wanted);
  program_.tensors.erase(name);  // of a name that was released
  if (meta != nullptr) program_.tensors.emplace(name, *meta);
  append({.op = op,
          .inputs = std::move(inputs),
          .outputs = {tensor(name)},
          .name = name,
          .provenance = origin.provenance});
  return name;
}

Argument Emitter::sizes(const TensorMeta& meta, const std::string& like, bool infer, const Call& origin) {
  std::vector<int64_t> numbers;
  size_t symbolic = 0;
  for (const Dim& size : meta.sizes) {
    const auto number = size.maybe_value();
    symbolic += number ? 0 : 1;
    numbers.push_back(number.value_or(-1));
  }
  if (symbolic == 0 || (symbolic == 1 && infer)) return {numbers};
  Argument::List mixed;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] >= 0) {
      mixed.push_back({numbers[i]});
      continue;
    }
    const std::string name = unique(cat(like, "_size_", i));
    append(size_call(like, i, name, origin));
    mixed.push_back({NumberName{name}});
  }
  return {mixed};
}

}  // namespace graftwork::core::captured
