#include "graftwork/cli/output/guard.h"

#include <cstdio>
#include <filesystem>
#include <new>
#include <string>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/output/option_hints.h"

namespace graftwork::core::cli {
namespace {

int report(const Error& error) {
  std::fprintf(stderr, "%s\n", with_options(error).report().c_str());
  if (error.code() == "usage") return kUsage;
  if (error.code() == "interrupted") return kInterrupted;
  return kFailure;
}

/// No formatting here: there is no memory for it.
int report_no_memory() {
  std::fputs(
      "error[memory]: there is not enough memory\n  try fewer threads (OMP_NUM_THREADS=1), or a machine with "
      "more memory\n",
      stderr);
  return kFailure;
}

int report_defect(const std::string& what) {
  std::fprintf(stderr, "%s\n  this is a defect of Graftwork: please report it with the command line and the model\n",
               visible(what, true).c_str());
  return kInternalError;
}

}  // namespace

namespace {

int run_and_report(const std::function<void()>& work) {
  try {
    work();
    return kSuccess;
  } catch (const Error& error) {
    return report(error);
  } catch (const InternalError& error) {
    return report_defect(error.what());
  } catch (const std::bad_alloc&) {
    return report_no_memory();
  } catch (const std::filesystem::filesystem_error& error) {
    return report(Error("file.system", error.what()));
  } catch (const std::exception& error) {
    return report_defect(std::string("internal error: ") + error.what());
  } catch (...) {
    return report_defect("internal error: an exception of unknown type");
  }
}

}  // namespace

int guarded(const std::function<void()>& work) noexcept {
  try {
    return run_and_report(work);
  } catch (...) {  // there was none for the report
    return report_no_memory();
  }
}

}  // namespace graftwork::core::cli
