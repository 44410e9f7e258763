// The C++ door, for the test that goes through all three of them:
//     cpp_door MODEL.pt2 DATA.npy OUT.onnx
// Prints the transformed graph.
#include <graftwork/graftwork.h>

#include <iostream>

int main(int argc, char** argv) try {
  if (argc != 4) return 2;
  const graftwork::Network network = graftwork::transform(graftwork::load(argv[1])).model;
  const std::unique_ptr<graftwork::SampleSource> samples = graftwork::open_samples(network, argv[2]);
  const auto loop = [&](graftwork::Calibrator& model) {
    for (int64_t i = 0; i < samples->size(); i += 3) model(samples->samples(i, std::min(i + 3, samples->size())));
  };
  graftwork::export_onnx(graftwork::quantize(network, loop).model(), argv[3]);
  std::cout << network.graph().text();
  return 0;
} catch (const graftwork::Error& error) {
  std::cerr << error.report() << "\n";
  return 1;
}
