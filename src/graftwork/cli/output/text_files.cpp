#include "graftwork/cli/output/text_files.h"

#include "graftwork/cli/output/held_signals.h"

namespace graftwork::core::cli {

void TextFiles::add(const std::filesystem::path& path, std::string_view text) {
  auto file = std::make_unique<AtomicFile>(path);
  file->write(text);
  file->finish();
  files_.push_back(std::move(file));
}

void TextFiles::commit() {
  const HeldSignals held;
  for (const auto& file : files_) file->commit();
}

}  // namespace graftwork::core::cli
