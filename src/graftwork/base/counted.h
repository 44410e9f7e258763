// A shared immutable value behind one pointer.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace graftwork::core {

/// Like std::shared_ptr<const T> in half the room, eight bytes: nodes hold several. Null until it is made. The count is
/// thread-safe.
template <class T>
class Counted {
 public:
  Counted() = default;
  explicit Counted(T value) : box_(new Box(std::move(value))) {}
  Counted(const Counted& other) noexcept : box_(other.box_) {
    if (box_) box_->count.fetch_add(1, std::memory_order_relaxed);
  }
  Counted(Counted&& other) noexcept : box_(std::exchange(other.box_, nullptr)) {}
  Counted& operator=(Counted other) noexcept {
    std::swap(box_, other.box_);
    return *this;
  }
  ~Counted() {
    if (box_ && box_->count.fetch_sub(1, std::memory_order_acq_rel) == 1) delete box_;
  }

  const T* get() const { return box_ ? &box_->value : nullptr; }
  explicit operator bool() const { return box_ != nullptr; }
  /// The value to change, made or copied first where it is not this pointer's alone.
  T& edit() {
    if (!box_) box_ = new Box(T());
    if (box_->count.load(std::memory_order_acquire) > 1) *this = Counted(box_->value);
    return box_->value;
  }

 private:
  struct Box {
    explicit Box(T made) : value(std::move(made)) {}
    std::atomic<uint32_t> count = 1;
    T value;
  };
  Box* box_ = nullptr;
};

}  // namespace graftwork::core
