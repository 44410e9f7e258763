// A map from symbols, as fast as an array.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "graftwork/base/symbol.h"

namespace graftwork::core {

/// Every symbol has a value, T() until it is set. An array by id in pages, of which only those exist that hold
/// something: names that a network brings are interned one after the other, so that its pages are full and in the order
/// of the graph.
template <class T>
class SymbolMap {
 public:
  SymbolMap() = default;
  SymbolMap(const SymbolMap& other) : pages_(other.pages_.size()) {
    for (size_t i = 0; i < pages_.size(); ++i) {
      if (other.pages_[i]) pages_[i] = std::make_unique<Page>(*other.pages_[i]);
    }
  }
  SymbolMap(SymbolMap&&) noexcept = default;
  SymbolMap& operator=(SymbolMap other) noexcept {
    pages_.swap(other.pages_);
    return *this;
  }
  ~SymbolMap() = default;

  T get(Symbol symbol) const {
    const Page* page = page_of(symbol);
    return page ? (*page)[symbol.id() % kPageSize] : T();
  }
  /// Null when nothing near the symbol was ever set. What operator[] has returned once is found.
  T* find(Symbol symbol) noexcept {
    Page* page = page_of(symbol);
    return page ? &(*page)[symbol.id() % kPageSize] : nullptr;
  }
  T& operator[](Symbol symbol) {
    const size_t number = symbol.id() / kPageSize;
    if (number >= pages_.size()) pages_.resize(number + 1);
    if (!pages_[number]) pages_[number] = std::make_unique<Page>();
    return (*pages_[number])[symbol.id() % kPageSize];
  }

 private:
  static constexpr size_t kPageSize = 256;
  using Page = std::array<T, kPageSize>;

  Page* page_of(Symbol symbol) const {
    const size_t number = symbol.id() / kPageSize;
    return number < pages_.size() ? pages_[number].get() : nullptr;
  }

  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace graftwork::core
