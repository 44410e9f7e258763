#include "graftwork/import/load.h"

#include "graftwork/base/error.h"
#include "graftwork/import/pt2/build_graph.h"
#include "graftwork/import/pt2/fake_quantizers.h"

namespace graftwork {

LoadedNetwork load_network(const std::filesystem::path& path) {
  try {
    const pt2::Pt2Archive archive = pt2::Pt2Archive::open(path);
    pt2::LoadedTensors tensors;
    if (!archive.weights_config().empty())
      tensors.load(archive, pt2::read_payload_config(archive.weights_config()), false);
    if (!archive.constants_config().empty())
      tensors.load(archive, pt2::read_payload_config(archive.constants_config()), true);
    LoadedNetwork loaded;
    loaded.network.module = pt2::build_graph(pt2::read_exported_program(archive.model()), tensors, loaded.unsupported);
    loaded.network.tensors = std::move(tensors.store);
    pt2::read_fake_quantizers(loaded.network);
    return loaded;
  } catch (Error& error) {
    throw error.at(path.string());
  } catch (const c10::Error& error) {
    throw Error("pt2.tensor", error.what_without_backtrace()).at(path.string());
  }
}

}  // namespace graftwork
