#include "graftwork/import/load.h"

#include <stdexcept>

#include "graftwork/base/error.h"
#include "graftwork/import/captured/build_network.h"
#include "graftwork/import/captured/check_shapes.h"
#include "graftwork/import/pt2/payloads.h"
#include "graftwork/import/pt2/translate.h"
#include "graftwork/nn/torch_failure.h"

namespace graftwork::core {

LoadedNetwork load_network(const std::filesystem::path& path) {
  try {
    const pt2::Pt2Archive archive = pt2::Pt2Archive::open(path);
    pt2::LoadedTensors tensors;
    for (const bool constants : {false, true}) tensors.load(archive, pt2::read_payloads(archive, constants), constants);
    captured::Program program = pt2::translate(pt2::read_exported_program(archive.model()), tensors);
    LoadedNetwork loaded = captured::build_network(std::move(program), std::move(tensors.store), archive.size());
    captured::check_shapes(loaded.network.module);
    return loaded;
  } catch (Error& error) {
    throw error.at(path.string());
  } catch (const std::out_of_range&) {  // where its parts are looked up by what other parts of it say
    throw Error("pt2.graph", "the program contradicts itself: it names what is not there",
                "exporting the network again")
        .at(path.string());
  } catch (...) {
    throw in_our_words("pt2.tensor").at(path.string());
  }
}

}  // namespace graftwork::core
