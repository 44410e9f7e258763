#include "graftwork/import/pt2/result_names.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "graftwork/base/text.h"

namespace graftwork::core::pt2 {
namespace {

using Json = nlohmann::json;
using Path = std::vector<std::string>;

constexpr size_t kDeepest = 64;

/// Collects the paths of a treespec's leaves: `{"type": ..., "context": ..., "children_spec": [...]}`.
class LeafPaths {
 public:
  explicit LeafPaths(const ExportedProgram& program) : program_(program) {}

  /// False when the text is not what torch writes.
  bool read(const std::string& treespec) {
    const Json spec = Json::parse(treespec, nullptr, false);
    Path path;
    return spec.is_array() && spec.size() == 2 && walk(spec[1], path);
  }
  const std::vector<Path>& paths() const { return paths_; }

 private:
  bool walk(const Json& spec, Path& path) {
    if (!spec.is_object() || path.size() > kDeepest) return false;
    const auto type = spec.find("type");
    const auto children = spec.find("children_spec");
    if (type == spec.end() || children == spec.end() || !children->is_array()) return false;
    if (type->is_null()) {
      paths_.push_back(path);
      return true;
    }
    const std::vector<std::string> keys = keys_of(spec);
    for (size_t i = 0; i < children->size(); ++i) {
      path.push_back(i < keys.size() ? keys[i] : std::to_string(i));
      if (!walk((*children)[i], path)) return false;
      path.pop_back();
    }
    return true;
  }

  /// Of dicts the list that their context is, of named tuples the fields of the type that it names; else none.
  std::vector<std::string> keys_of(const Json& spec) const {
    const auto context = spec.find("context");
    if (context == spec.end() || !context->is_string()) return {};
    const auto fields = program_.namedtuple_fields.find(context->get_ref<const std::string&>());
    if (fields != program_.namedtuple_fields.end()) return fields->second;
    const Json list = Json::parse(context->get_ref<const std::string&>(), nullptr, false);
    std::vector<std::string> keys;
    for (const Json& key : list.is_array() ? list : Json::array()) {
      keys.push_back(key.is_string() ? key.get<std::string>()
                                     : key.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    return keys;
  }

  const ExportedProgram& program_;
  std::vector<Path> paths_;
};

bool is_number(const std::string& text) {
  return text.find_first_not_of("0123456789") == std::string::npos;  // also of an empty key
}

}  // namespace

std::vector<std::string> result_names(const ExportedProgram& program) {
  const auto& outputs = program.signature.outputs;
  const auto is_result = [](const OutputSpec& spec) {
    return spec.kind == OutputSpec::Kind::kUserOutput || spec.kind == OutputSpec::Kind::kLoss;
  };
  const auto count = static_cast<size_t>(std::count_if(outputs.begin(), outputs.end(), is_result));
  const bool single = std::count_if(outputs.begin(), outputs.end(), [&](const OutputSpec& spec) {
                        return is_result(spec) && !spec.arg.is<None>();
                      }) == 1;
  std::vector<Path> paths;
  for (const ModuleCallEntry& entry : program.module_call_graph) {
    if (!entry.name.empty() || !entry.signature) continue;
    LeafPaths leaves(program);
    if (leaves.read(entry.signature->out_spec) && leaves.paths().size() == count) paths = leaves.paths();
  }
  for (size_t i = paths.size(); i < count; ++i) paths.push_back({std::to_string(i)});
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (Path& path : paths) {
    if (path.empty() || (single && path.size() == 1 && is_number(path[0]))) {
      path = {"output"};
    } else if (is_number(path[0])) {
      path.insert(path.begin(), "output");
    }
    std::string name = join(path, "_");
    for (size_t k = 1; !taken.insert(name).second; ++k) name = cat(join(path, "_"), "_", k);
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace graftwork::core::pt2
