#include "graftwork/cli/output.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::cli {

void print_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  throw Error("file.unwritable", "cannot write to standard output: " + std::generic_category().message(errno));
}

void warn_unsupported(const std::vector<std::string>& unsupported) {
  if (unsupported.empty()) return;
  std::string text = cat("warning: ", counted(unsupported.size(), "operator"), " cannot be run or exported\n");
  for (const std::string& line : unsupported) text += "  " + line + "\n";
  std::fputs(text.c_str(), stderr);
}

}  // namespace graftwork::cli
