// What crosses the border between a program and the library: texts, tensors, an exception of either side.
#include <ATen/core/Tensor.h>
#include <ATen/ops/ones.h>
#include <graftwork/graftwork.h>

#include <iostream>
#include <stdexcept>

namespace {

/// The library's own exception, thrown here and caught as what it is and as what it derives from.
void check_exceptions() {
  try {
    throw graftwork::Error("consumer.code", "a message", "a hint").at("a place");
  } catch (const graftwork::Error& error) {
    std::cout << error.code() << " | " << error.message() << " | " << error.context()[0] << " | " << error.hint()
              << "\n";
  }
  try {
    throw graftwork::Error("consumer.code", "a message");
  } catch (const std::runtime_error& error) {
    std::cout << error.what() << "\n";
  }
}

}  // namespace

int main() {
  std::cout << graftwork::version() << "\n";
  check_exceptions();
  std::cout << at::ones({2, 3}).sum().item<double>() << "\n";
#ifdef NDEBUG
  std::cout << "NDEBUG\n";
#endif
}
