#include "graftwork/cli/output/output.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "graftwork/base/error.h"
#include "graftwork/base/first_of.h"
#include "graftwork/base/text.h"

namespace graftwork::core::cli {

void print_out(std::string_view written) {
  const std::string text = visible(written, true);
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  throw Error("file.unwritable", "cannot write to standard output: " + std::generic_category().message(errno));
}

std::string line_of(std::string_view words) { return visible(words) + "\n"; }

void warn_unsupported(const std::vector<std::string>& unsupported) {
  if (unsupported.empty()) return;
  std::string text = cat("warning: ", counted(unsupported.size(), "operator"), " cannot be exported\n");
  for (const std::string& line : unsupported) text += line_of("  " + line);
  std::fputs(text.c_str(), stderr);
}

std::string training_warning(const std::vector<std::string>& layers) {
  if (layers.empty()) return "";
  return cat("the network was exported in training mode, where layers normalise by the batch or drop values (",
             first_of(layers), "): call model.eval() before exporting it");
}

void warn(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) std::fputs(line_of("warning: " + warning).c_str(), stderr);
}

void warn_training(const std::vector<std::string>& layers) {
  if (!layers.empty()) std::fputs(line_of("warning: " + training_warning(layers)).c_str(), stderr);
}

}  // namespace graftwork::core::cli
