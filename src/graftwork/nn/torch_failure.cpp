#include "graftwork/nn/torch_failure.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <any>
#include <array>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>
#include <variant>

#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

template <size_t N>
bool says_one_of(std::string_view message, const std::array<std::string_view, N>& texts) {
  return std::ranges::any_of(texts, [&](std::string_view text) { return message.find(text) != message.npos; });
}

/// "int8_t" of "value cannot be converted to type int8_t without overflow".
std::string_view type_in(std::string_view message) {
  constexpr std::string_view kBefore = "to type ";
  const size_t begin = message.find(kBefore);
  const size_t end = message.find(" without overflow");
  if (begin == message.npos || end == message.npos || end < begin) return "the type that it is converted to";
  return message.substr(begin + kBefore.size(), end - begin - kBefore.size());
}

/// Torch's messages that speak of its own source, or of C++'s containers, say nothing of the network.
std::string words_of(std::string message) {
  constexpr std::array<std::string_view, 4> kOverflows = {"calculation overflowed", "multiplication overflow",
                                                          "Overflow when", "invalid storage size"};
  constexpr std::array<std::string_view, 4> kContainers = {"vector::", "basic_string", "_M_", "std::"};
  if (message.find("without overflow") != message.npos) return cat("a number does not fit ", type_in(message));
  if (says_one_of(message, kOverflows)) return "a tensor of it would have more bytes than can be counted";
  if (message.find("INTERNAL ASSERT FAILED") != message.npos)
    return "torch cannot compute it: a check in its own code failed";
  if (says_one_of(message, kContainers)) return "torch cannot compute it: an index or a size is out of range";
  // Where in torch's code it was is behind the message.
  constexpr std::array<std::string_view, 3> kBehind = {"\nException raised from", "\nC++ CapturedTraceback",
                                                       ". Run workload with environment variable"};
  for (const std::string_view behind : kBehind) message = message.substr(0, message.find(behind));
  return message;
}

bool speaks_of_memory(std::string_view message) {
  constexpr std::array<std::string_view, 4> kTexts = {"allocate memory", "out of memory", "bad_alloc",
                                                      "bad allocation"};
  return says_one_of(message, kTexts);
}

/// Whose exceptions have no base but the standard's, as those of a caller may have.
bool is_of_onednn(const std::exception& error) {
  return std::string_view(typeid(error).name()).find("dnnl") != std::string_view::npos;
}

Error failure(const char* code, const std::string& message) {
  if (speaks_of_memory(message)) return memory_error();
  return Error(code, words_of(message));
}

}  // namespace

Error memory_error() {
  return Error("memory", "there is not enough memory",
               "fewer threads (OMP_NUM_THREADS=1), or a machine with more memory");
}

std::string reason_of_failure() {
  std::optional<Error> failure;
  try {
    failure = in_our_words("torch");
  } catch (const Error& error) {
    return error.message();
  }
  if (failure->code() == "memory") throw std::move(*failure);
  return failure->message();
}

Error in_our_words(const char* code) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const InternalError&) {
    throw;
  } catch (const std::bad_alloc&) {
    return memory_error();
  } catch (const c10::Error& error) {
    return failure(code, error.what_without_backtrace());
  } catch (const std::length_error&) {
    return failure(code, "std::length_error");
  } catch (const std::out_of_range&) {
    return failure(code, "std::out_of_range");
  } catch (const std::logic_error& error) {
    return failure(code, error.what());
  } catch (const std::runtime_error& error) {
    return failure(code, error.what());
  } catch (const std::bad_optional_access&) {
    return failure(code, "std::bad_optional_access");
  } catch (const std::bad_variant_access&) {
    return failure(code, "std::bad_variant_access");
  } catch (const std::bad_cast&) {
    return failure(code, "std::bad_cast");
  } catch (const std::bad_function_call&) {
    return failure(code, "std::bad_function_call");
  } catch (const std::exception& error) {
    if (!is_of_onednn(error)) throw;
    return failure(code, error.what());
  }
}

}  // namespace graftwork::core
