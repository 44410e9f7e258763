#include "graftwork/base/symbol.h"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace graftwork::core {
namespace {

/// Texts live in chunks that never move, so that reading one needs no lock: whoever holds a symbol got it after
/// its text was in place. Ids are found by linear probing: names are made by the ten thousand, and never go.
class SymbolTable {
 public:
  SymbolTable() : slots_(1U << 12) { id_of({}); }

  const std::string& text(uint32_t id) const {
    return (*chunks_[id >> kChunkBits].load(std::memory_order_acquire))[id % kChunkSize];
  }

  /// The id of a text, new or known.
  uint32_t id_of(std::string_view text) {
    const uint32_t hash = hash_of(text);
    const std::lock_guard lock(mutex_);
    size_t at = hash & (slots_.size() - 1);
    for (; slots_[at].used(); at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].hash == hash && this->text(slots_[at].id) == text) return slots_[at].id;
    }
    const uint32_t id = store(text);
    slots_[at] = {hash, id};
    if (2 * size_t{size_} > slots_.size()) grow();
    return id;
  }

 private:
  static constexpr uint32_t kChunkBits = 12;
  static constexpr uint32_t kChunkSize = 1U << kChunkBits;
  static constexpr uint32_t kChunks = 1U << 14;
  using Chunk = std::array<std::string, kChunkSize>;
  static constexpr uint32_t kFree = UINT32_MAX;
  struct Slot {
    uint32_t hash = 0;
    uint32_t id = kFree;
    bool used() const { return id != kFree; }
  };

  /// Names that differ in the last character alone stand next to one another: networks number their names, and what is
  /// asked for one after the other is then in the cache.
  static uint32_t hash_of(std::string_view text) {
    if (text.empty()) return 0;
    const auto stem = static_cast<uint32_t>(std::hash<std::string_view>()(text.substr(0, text.size() - 1)) >> 8);
    return stem + static_cast<unsigned char>(text.back());
  }

  uint32_t store(std::string_view text) {
    if (size_ / kChunkSize >= kChunks) throw std::length_error("too many symbols");
    if (size_ % kChunkSize == 0) {
      owners_.push_back(std::make_unique<Chunk>());
      chunks_[size_ >> kChunkBits].store(owners_.back().get(), std::memory_order_release);
    }
    (*owners_.back())[size_ % kChunkSize] = text;
    return size_++;
  }

  void grow() {
    std::vector<Slot> wider(2 * slots_.size());
    for (const Slot& slot : slots_) {
      if (!slot.used()) continue;
      size_t at = slot.hash & (wider.size() - 1);
      while (wider[at].used()) at = (at + 1) & (wider.size() - 1);
      wider[at] = slot;
    }
    slots_ = std::move(wider);
  }

  std::mutex mutex_;
  uint32_t size_ = 0;
  std::vector<std::unique_ptr<Chunk>> owners_;
  std::array<std::atomic<const Chunk*>, kChunks> chunks_{};
  std::vector<Slot> slots_;  // their number is a power of two
};

SymbolTable& table() {
  static SymbolTable instance;
  return instance;
}

}  // namespace

Symbol::Symbol(std::string_view text) : id_(table().id_of(text)) {}

Symbol::Symbol(const char* text) {
  // By address, which tells literals apart; what is stored there may have changed, so the text decides.
  struct Known {
    const char* address = nullptr;
    uint32_t id = 0;
  };
  thread_local std::array<Known, 512> recent;
  Known& known = recent[(reinterpret_cast<uintptr_t>(text) * 0x9e3779b97f4a7c15U) >> 55];
  if (known.address != text || table().text(known.id) != text) known = {text, table().id_of(text)};
  id_ = known.id;
}

const std::string& Symbol::str() const { return table().text(id_); }

}  // namespace graftwork::core
