#include "graftwork/nn/kernel_failure.h"

#include <c10/util/Exception.h>

#include <exception>
#include <new>

#include "graftwork/base/error.h"

namespace graftwork::core {

std::string kernel_failure() {
  try {
    throw;
  } catch (const InternalError&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const Error& error) {
    return error.message();
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    // Torch asks to report what it takes for impossible: an argument of another kind than its schema says.
    return message.find("INTERNAL ASSERT FAILED") == std::string::npos ? message
                                                                       : "it does not take arguments of these kinds";
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace graftwork::core
