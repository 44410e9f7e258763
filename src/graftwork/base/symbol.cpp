#include "graftwork/base/symbol.h"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <unordered_map>
#include <vector>

namespace graftwork {
namespace {

/// Texts live in chunks that never move, so that reading one needs no lock: whoever holds a symbol got it after
/// its text was in place.
struct SymbolTable {
  static constexpr uint32_t kChunkBits = 12;
  static constexpr uint32_t kChunkSize = 1U << kChunkBits;
  static constexpr uint32_t kChunks = 1U << 14;
  using Chunk = std::array<std::string, kChunkSize>;

  SymbolTable() {
    ids.reserve(1U << 16);
    add({});
  }

  const std::string& text(uint32_t id) const {
    return (*chunks[id >> kChunkBits].load(std::memory_order_acquire))[id % kChunkSize];
  }

  /// Under the exclusive lock.
  uint32_t add(std::string_view text) {
    const uint32_t id = size++;
    if (id / kChunkSize >= kChunks) throw std::length_error("too many symbols");
    if (id % kChunkSize == 0) {
      owners.push_back(std::make_unique<Chunk>());
      chunks[id >> kChunkBits].store(owners.back().get(), std::memory_order_release);
    }
    std::string& stored = (*owners.back())[id % kChunkSize];
    stored = text;
    ids.emplace(stored, id);
    return id;
  }

  std::shared_mutex mutex;
  uint32_t size = 0;
  std::vector<std::unique_ptr<Chunk>> owners;
  std::array<std::atomic<const Chunk*>, kChunks> chunks{};
  std::unordered_map<std::string_view, uint32_t> ids;
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
  id_ = symbols.add(text);
}

const std::string& Symbol::str() const { return table().text(id_); }

}  // namespace graftwork
