#include "graftwork/import/load.h"

#include "graftwork/base/error.h"
#include "graftwork/import/pt2/build_graph.h"
#include "graftwork/import/pt2/fake_quantizers.h"
#include "graftwork/import/pt2/functional/functionalise.h"
#include "graftwork/import/pt2/functional/inline_wrappers.h"
#include "graftwork/import/pt2/functional/remove_dead.h"
#include "graftwork/import/pt2/payloads.h"

namespace graftwork {

LoadedNetwork load_network(const std::filesystem::path& path) {
  try {
    const pt2::Pt2Archive archive = pt2::Pt2Archive::open(path);
    pt2::LoadedTensors tensors;
    for (const bool constants : {false, true}) tensors.load(archive, pt2::read_payloads(archive, constants), constants);
    pt2::ExportedProgram program = pt2::read_exported_program(archive.model());
    pt2::inline_wrappers(program);
    pt2::functionalise(program, tensors.canonical);
    pt2::remove_dead(program);
    LoadedNetwork loaded;
    loaded.network.module = pt2::build_graph(program, tensors, loaded.unsupported);
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
