// Loading and transforming in process.
//     load_bench MODEL.pt2        answers "load", "load_transform" and "transform" (of the network in memory)
#include "graftwork/import/load.h"
#include "graftwork/patterns/transform.h"
#include "serve.h"

int main(int argc, char** argv) {
  using namespace graftwork::core;
  return bench::guarded([&] {
    if (argc != 2) throw std::invalid_argument("usage: load_bench MODEL.pt2");
    const std::filesystem::path path = argv[1];
    LoadedNetwork kept;
    bench::serve({
        {"load", [&] { return bench::cost([&] { return load_network(path); }); }},
        {"load_transform",
         [&] {
           return bench::cost([&] {
             LoadedNetwork loaded = load_network(path);
             TransformationResult transformed = transform(loaded.network.module);
             return std::pair(std::move(loaded), std::move(transformed));
           });
         }},
        {"transform",
         [&] {
           if (kept.network.tensors.size() == 0) kept = load_network(path);
           return bench::cost([&] { return transform(kept.network.module); });
         }},
    });
  });
}
