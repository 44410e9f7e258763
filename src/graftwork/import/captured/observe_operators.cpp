#include "graftwork/import/captured/observe_operators.h"

#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace graftwork::core::captured {
namespace {

/// The observation of this thread, and what went wrong in it: torch only warns of what a callback throws.
struct Session {
  OperatorObserver* observer = nullptr;
  std::exception_ptr failure = nullptr;
  bool is_open = false;
};

thread_local Session session;

template <class Notice>
void notify(const Notice& notice) {
  OperatorObserver* const observer = std::exchange(session.observer, nullptr);
  if (observer == nullptr) return;
  try {
    notice(*observer);
    session.observer = observer;
  } catch (...) {
    session.failure = std::current_exception();
  }
}

/// A boxed call shows its whole stack: what belongs to the operator is the last of it.
template <class Values>
Values last(Values values, size_t count) {
  return values.slice(values.size() - std::min(values.size(), count));
}

std::unique_ptr<at::ObserverContext> began(const at::RecordFunction& function) {
  if (const auto schema = function.operator_schema()) {
    notify([&](OperatorObserver& observer) {
      observer.began(*schema, last(function.inputs(), schema->arguments().size()));
    });
  }
  return nullptr;
}

void ended(const at::RecordFunction& function, at::ObserverContext* /*context*/) {
  if (const auto schema = function.operator_schema()) {
    notify([&](OperatorObserver& observer) {
      const c10::ArrayRef<c10::IValue> outputs = function.outputs();
      observer.ended(*schema, last(outputs, schema->returns().size()));
    });
  }
}

/// Torch calls back while this lives.
class Callbacks {
 public:
  Callbacks()
      : handle_(at::addThreadLocalCallback(at::RecordFunctionCallback(began, ended)
                                               .needsInputs(true)
                                               .needsOutputs(true)
                                               .scopes({at::RecordScope::FUNCTION}))) {}
  ~Callbacks() { at::removeCallback(handle_); }
  Callbacks(const Callbacks&) = delete;
  Callbacks& operator=(const Callbacks&) = delete;

 private:
  at::RecordFunctionGuard enabled_;
  at::CallbackHandle handle_;
};

/// The thread's observation while this lives; then the one before it goes on.
class SessionGuard {
 public:
  explicit SessionGuard(OperatorObserver& observer)
      : before_(std::exchange(session, {.observer = &observer, .failure = nullptr, .is_open = true})) {}
  ~SessionGuard() { session = before_; }
  SessionGuard(const SessionGuard&) = delete;
  SessionGuard& operator=(const SessionGuard&) = delete;

  bool is_inside() const { return before_.is_open; }

 private:
  Session before_;
};

}  // namespace

void observe_operators(OperatorObserver& observer, const std::function<void()>& body) {
  const c10::NoGradGuard no_grad;
  const SessionGuard guard(observer);
  std::optional<Callbacks> callbacks;
  if (!guard.is_inside()) callbacks.emplace();
  body();
  if (session.failure) std::rethrow_exception(session.failure);
}

Unobserved::Unobserved() : observer_(std::exchange(session.observer, nullptr)) {}
Unobserved::~Unobserved() { session.observer = observer_; }

}  // namespace graftwork::core::captured
