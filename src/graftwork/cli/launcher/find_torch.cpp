#include "graftwork/cli/launcher/find_torch.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core::cli {
namespace {

namespace fs = std::filesystem;

/// "2.13": GRAFTWORK_TORCH_VERSION is that of the headers that this build saw.
std::string minor_version(std::string_view version) {
  const size_t first = version.find('.');
  return std::string(version.substr(0, first == std::string_view::npos ? first : version.find('.', first + 1)));
}

std::string wanted_version() { return minor_version(GRAFTWORK_TORCH_VERSION); }

bool holds_torch(const fs::path& folder) {
  std::error_code absent;
  return fs::exists(folder / "lib" / "libtorch_cpu.so", absent);
}

/// "2.13.0+cpu"; empty where the package does not say, as libtorch without Python.
std::string version_of(const fs::path& folder) {
  std::ifstream file(folder / "version.py");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("__version__")) continue;
    const size_t begin = line.find('\'');
    const size_t end = line.rfind('\'');
    if (begin < end) return line.substr(begin + 1, end - begin - 1);
  }
  return {};
}

bool fits(const std::string& version) { return version.empty() || minor_version(version) == wanted_version(); }

/// Python's own answer, without importing torch, which would take a second.
fs::path torch_of_python() {
  constexpr const char* kCommand =
      "python3 -c 'import sys, os.path, importlib.util\n"
      "sys.path = [path for path in sys.path if path]\n"
      "found = importlib.util.find_spec(\"torch\")\n"
      "print(os.path.dirname(found.origin) if found and found.origin else \"\")' 2>/dev/null </dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> python(::popen(kCommand, "r"), ::pclose);
  if (!python) return {};
  std::string said;
  std::array<char, 256> part{};
  while (std::fgets(part.data(), static_cast<int>(part.size()), python.get())) said += part.data();
  while (!said.empty() && said.back() == '\n') said.pop_back();
  return said;
}

/// In an order of their own: a folder has its entries in any.
std::vector<fs::path> torch_of_environment(const fs::path& environment) {
  std::vector<fs::path> found;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(environment / "lib", absent)) {
    if (entry.path().filename().string().starts_with("python3."))
      found.push_back(entry.path() / "site-packages" / "torch");
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace

fs::path installed_folder() {
  std::error_code unreadable;
  return fs::read_symlink("/proc/self/exe", unreadable).parent_path().parent_path();
}

std::optional<fs::path> named_torch() {
  const char* const name = std::getenv("GRAFTWORK_TORCH");
  if (!name || !*name) return std::nullopt;
  fs::path folder = name;
  if (!holds_torch(folder)) {
    throw Error("build.torch", cat("GRAFTWORK_TORCH names ", folder.string(), ", which has no lib/libtorch_cpu.so"),
                "the folder of an installed torch package, …/site-packages/torch");
  }
  const std::string version = version_of(folder);
  if (!fits(version)) {
    throw Error("build.torch",
                cat("GRAFTWORK_TORCH names torch ", version,
                    ", and this graftwork was built with torch " GRAFTWORK_TORCH_VERSION),
                cat("the folder of a torch ", wanted_version(), " package"));
  }
  return folder;
}

fs::path torch_beside(const fs::path& folder) {
  std::vector<fs::path> candidates = torch_of_environment(folder / ".venv");
  for (const fs::path& path : torch_of_environment(folder.parent_path() / ".venv")) candidates.push_back(path);
  std::string seen;
  const auto is_right = [&](const fs::path& candidate) {
    if (!holds_torch(candidate)) return false;
    const std::string version = version_of(candidate);
    if (fits(version)) return true;
    seen += cat("; ", candidate.string(), " is torch ", version);
    return false;
  };
  for (const fs::path& candidate : candidates) {
    if (is_right(candidate)) return candidate;
  }
  if (const fs::path imported = torch_of_python(); is_right(imported)) return imported;
  throw Error("build.torch",
              cat("there is no torch ", wanted_version(), ", neither in a .venv beside ", folder.string(),
                  " nor for python3", seen),
              "GRAFTWORK_TORCH=…/site-packages/torch, the folder of an installed torch package");
}

}  // namespace graftwork::core::cli
