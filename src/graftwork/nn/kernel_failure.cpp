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
    return error.what_without_backtrace();
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace graftwork::core
