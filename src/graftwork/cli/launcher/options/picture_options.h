// What becomes of pictures.
#pragma once

#include "graftwork/cli/launcher/options/option_forms.h"
#include "graftwork/cli/requests.h"

namespace graftwork::core::cli {

/// The options that kImageOptions names.
class PictureOptions {
 public:
  explicit PictureOptions(ImageOptions& images) : images_(images) {}

  /// This must live while `app` reads a command line.
  void add_to(CLI::App& app);
  /// Once it is read. Throws Error "usage".
  void finish(const CLI::App& app);

 private:
  void finish_size(const CLI::App& app);
  void finish_resize(const CLI::App& app);

  ImageOptions& images_;
  std::string size_;
  std::string resize_ = "crop";
};

}  // namespace graftwork::core::cli
