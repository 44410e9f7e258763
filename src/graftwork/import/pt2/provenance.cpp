#include "graftwork/import/pt2/provenance.h"

#include "graftwork/base/text.h"

namespace graftwork::core::pt2 {
namespace {

std::string_view entry_of(const NameMap<std::string>& metadata, std::string_view key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? std::string_view() : std::string_view(found->second);
}

/// The path is a qualified name, or, from strict exports, Python source: L['self'].layer1[0].conv.
std::string plain_path(std::string_view path) {
  if (path.starts_with("L['self']") || path.starts_with("L[\"self\"]")) path.remove_prefix(9);
  std::string plain;
  for (const char c : path) {
    if (c == '\'' || c == '"' || c == ']') continue;
    const bool separates = c == '.' || c == '[';
    if (separates && (plain.empty() || plain.back() == '.')) continue;
    plain += separates ? '.' : c;
  }
  // "conv@1" is the second call of conv.
  for (size_t at = plain.find('@'); at != std::string::npos; at = plain.find('@')) {
    plain.erase(at, plain.find_first_not_of("0123456789", at + 1) - at);
  }
  return plain;
}

/// The innermost line of the trace that stands in a file: generated code ("<eval_with_key>.3") helps nobody.
std::string last_line(std::string_view trace) {
  for (size_t file = trace.rfind("File \""); file != std::string_view::npos;
       file = file == 0 ? std::string_view::npos : trace.rfind("File \"", file - 1)) {
    const std::string_view rest = trace.substr(file + 6);
    const size_t quote = rest.find('"');
    const size_t line = rest.find("line ");
    if (quote == std::string_view::npos || line == std::string_view::npos || line < quote) return {};
    const std::string_view path = rest.substr(0, quote);
    if (path.starts_with('<')) continue;
    const size_t digits = rest.find_first_not_of("0123456789", line + 5);
    return cat(path.substr(path.find_last_of("/\\") + 1), ":",
               rest.substr(line + 5, digits == std::string_view::npos ? digits : digits - line - 5));
  }
  return {};
}

}  // namespace

captured::Provenance provenance_of(const NameMap<std::string>& metadata) {
  captured::Provenance provenance;
  provenance.source = last_line(entry_of(metadata, "stack_trace"));
  // "key,path,type;key,path,type": the innermost module stands last.
  std::string_view entry = entry_of(metadata, "nn_module_stack");
  if (const size_t semicolon = entry.rfind(';'); semicolon != std::string_view::npos)
    entry.remove_prefix(semicolon + 1);
  const size_t first = entry.find(',');
  const size_t last = entry.rfind(',');
  if (first == std::string_view::npos || first == last || entry.starts_with("_empty_nn_module_stack"))
    return provenance;
  provenance.module = plain_path(entry.substr(first + 1, last - first - 1));
  provenance.is_body = entry.substr(last + 1).starts_with("torch.nn.modules.");
  return provenance;
}

}  // namespace graftwork::core::pt2
