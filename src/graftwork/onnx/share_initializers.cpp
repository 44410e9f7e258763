#include "graftwork/onnx/share_initializers.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/text.h"

namespace graftwork::core::onnx {
namespace {

/// Tells most tensors apart without reading them whole: a stretch of the middle, where weights have no padding.
uint64_t sample_of(std::span<const std::byte> bytes) {
  constexpr size_t kRead = 256;
  const std::span<const std::byte> middle = bytes.subspan(bytes.size() / 2).first(std::min(kRead, bytes.size() / 2));
  return hash_text({reinterpret_cast<const char*>(middle.data()), middle.size()});
}

}  // namespace

void share_initializers(Graph& graph) {
  std::unordered_set<std::string_view> results;
  for (const ValueInfo& output : graph.outputs) results.insert(output.name);
  using Key = std::tuple<DType, std::vector<int64_t>, uint64_t>;
  std::map<Key, std::vector<const Tensor*>> kept;
  std::unordered_map<std::string, std::string> now;  // name of one that goes → that of the one that stays
  for (const Tensor& tensor : graph.initializers) {
    const std::span<const std::byte> bytes = tensor.bytes.view;
    if (bytes.size() < kLeastSharedBytes || results.contains(tensor.name)) continue;
    std::vector<const Tensor*>& alike = kept[{tensor.type, tensor.dims, sample_of(bytes)}];
    const auto same =
        std::ranges::find_if(alike, [&](const Tensor* other) { return std::ranges::equal(other->bytes.view, bytes); });
    if (same == alike.end()) {
      alike.push_back(&tensor);
    } else {
      now.emplace(tensor.name, (*same)->name);
    }
  }
  if (now.empty()) return;
  for (Node& node : graph.nodes) {
    for (std::string& input : node.inputs) {
      if (const auto other = now.find(input); other != now.end()) input = other->second;
    }
  }
  std::erase_if(graph.initializers, [&](const Tensor& tensor) { return now.contains(tensor.name); });
}

}  // namespace graftwork::core::onnx
