// What became of an attempt: it applied, or it declined with a reason.
#pragma once

#include <string>
#include <utility>

namespace graftwork::core {

/// The result of an attempt that may decline. Declining is ordinary: it always carries a reason that
/// a user can read.
class [[nodiscard]] Outcome {
 public:
  static Outcome applied() { return Outcome({}, true); }
  static Outcome declined(std::string reason) { return Outcome(std::move(reason), false); }

  explicit operator bool() const { return applied_; }
  const std::string& reason() const { return reason_; }

 private:
  Outcome(std::string reason, bool applied) : reason_(std::move(reason)), applied_(applied) {}

  std::string reason_;
  bool applied_;
};

inline Outcome applied() { return Outcome::applied(); }
inline Outcome declined(std::string reason) { return Outcome::declined(std::move(reason)); }

}  // namespace graftwork::core
