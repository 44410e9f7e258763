#include "graftwork/base/number_text.h"

#include <cstdio>

namespace graftwork::core {
namespace {

std::string printed(const char* format, int digits, double value) {
  const int size = std::snprintf(nullptr, 0, format, digits, value);
  std::string text(static_cast<size_t>(size), '\0');
  std::snprintf(text.data(), text.size() + 1, format, digits, value);
  return text;
}

}  // namespace

std::string fixed(double value, int digits) { return printed("%.*f", digits, value); }

std::string short_number(double value, int digits) { return printed("%.*g", digits, value); }

}  // namespace graftwork::core
