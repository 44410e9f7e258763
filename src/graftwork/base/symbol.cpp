#include "graftwork/base/symbol.h"

#include <deque>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace graftwork {
namespace {

struct SymbolTable {
  std::shared_mutex mutex;
  std::deque<std::string> texts{std::string()};  // a deque: addresses stay valid while it grows
  std::unordered_map<std::string_view, uint32_t> ids{{std::string_view(), 0}};
};

SymbolTable& table() {
  static SymbolTable instance;
  return instance;
}

}  // namespace

Symbol::Symbol(std::string_view text) {
  SymbolTable& symbols = table();
  {
    std::shared_lock lock(symbols.mutex);
    if (auto found = symbols.ids.find(text); found != symbols.ids.end()) {
      id_ = found->second;
      return;
    }
  }
  std::unique_lock lock(symbols.mutex);
  if (auto found = symbols.ids.find(text); found != symbols.ids.end()) {
    id_ = found->second;
    return;
  }
  id_ = static_cast<uint32_t>(symbols.texts.size());
  symbols.texts.emplace_back(text);
  symbols.ids.emplace(symbols.texts.back(), id_);
}

const std::string& Symbol::str() const {
  SymbolTable& symbols = table();
  std::shared_lock lock(symbols.mutex);
  return symbols.texts[id_];
}

}  // namespace graftwork
