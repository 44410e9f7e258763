// Stands in for libFuzzer where the compiler has none: every seed as it is, then mutations of it, always the same.
//
//     fuzz_TARGET FOLDER [MUTATIONS]     MUTATIONS of each seed; a finding is left in fuzz_TARGET.finding
#include <sanitizer/common_interface_defs.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "fuzz/target.h"

namespace {

using Bytes = std::vector<uint8_t>;

Bytes current;  // what runs now; a death leaves no other way to tell
std::string finding_path;

void keep_current() {
  std::ofstream(finding_path, std::ios::binary)
      .write(reinterpret_cast<const char*>(current.data()), static_cast<std::streamsize>(current.size()));
  std::fprintf(stderr, "the input is in %s\n", finding_path.c_str());
}

void run(Bytes bytes) {
  current = std::move(bytes);
  LLVMFuzzerTestOneInput(current.data(), current.size());
}

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Bytes>& seeds) : seeds_(seeds) {}

  Bytes mutate(Bytes bytes) {
    for (size_t i = 1 + below(4); i > 0; --i) step(bytes);
    return bytes;
  }

 private:
  size_t below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void step(Bytes& bytes) {
    const size_t at = below(bytes.size());
    const auto here = bytes.begin() + static_cast<ptrdiff_t>(at);
    const auto length = static_cast<ptrdiff_t>(below(std::min<size_t>(bytes.size() - at, 64)));
    switch (bytes.empty() ? 1 : below(6)) {
      case 0:
        *here = static_cast<uint8_t>(*here ^ (1U << below(8)));
        return;
      case 1:
        bytes.insert(here, static_cast<uint8_t>(random_()));
        return;
      case 2:
        bytes.erase(here, here + length);
        return;
      case 3: {
        const Bytes piece(here, here + length);
        bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(below(bytes.size())), piece.begin(), piece.end());
        return;
      }
      case 4: {
        static constexpr std::array<uint8_t, 8> kEdges{0x00, 0x01, 0x7f, 0x80, 0xff, '-', '9', '['};
        std::fill(here, here + std::min<ptrdiff_t>(length, 8), kEdges[below(kEdges.size())]);
        return;
      }
      default: {
        const Bytes& other = seeds_[below(seeds_.size())];
        const size_t from = below(other.size());
        const size_t count = std::min<size_t>(other.size() - from, 200);
        bytes.resize(at);
        bytes.insert(bytes.end(), other.begin() + static_cast<ptrdiff_t>(from),
                     other.begin() + static_cast<ptrdiff_t>(from + count));
        return;
      }
    }
  }

  const std::vector<Bytes>& seeds_;
  std::mt19937_64 random_{20260101};  // any number, but the same each time
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: %s FOLDER [MUTATIONS]\n", argv[0]), 2;
  const size_t mutations = argc > 2 ? std::stoul(argv[2]) : 10;
  finding_path = std::string(argv[0]) + ".finding";
  __sanitizer_set_death_callback(keep_current);
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> seeds;
  for (const auto& path : paths) seeds.push_back(read_file(path));
  if (seeds.empty()) return std::fprintf(stderr, "%s holds no seed\n", argv[1]), 2;
  Mutator mutator(seeds);
  try {
    for (const Bytes& seed : seeds) {
      run(seed);
      for (size_t i = 0; i < mutations; ++i) run(mutator.mutate(seed));
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "finding: %s\n", error.what());
    keep_current();
    return 1;
  }
  std::printf("%zu seeds, %zu mutations of each\n", seeds.size(), mutations);
}
