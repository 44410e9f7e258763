// What crosses the border between a program and the library: texts, tensors, plain data by value, an exception of
// either side.
#include <ATen/ops/ones.h>
#include <graftwork/graftwork.h>

#include <iostream>
#include <stdexcept>

namespace {

/// The library's own exception, thrown here and there, caught as what it is and as what it derives from.
void check_exceptions() {
  try {
    throw graftwork::Error("consumer.code", "a message", "a hint").at("a place");
  } catch (const graftwork::Error& error) {
    std::cout << error.code() << " | " << error.message() << " | " << error.context()[0] << " | " << error.hint()
              << "\n";
  }
  try {
    graftwork::load("/nowhere.pt2");
  } catch (const graftwork::Error& error) {
    std::cout << error.code() << "\n";
  }
  try {  // by the command that is installed with the library
    graftwork::load("/nowhere.pt2", {.isolated = true});
  } catch (const graftwork::Error& error) {
    std::cout << error.report() << "\n";
  }
  try {
    graftwork::load("/nowhere.pt2");
  } catch (const std::runtime_error& error) {
    std::cout << std::string_view(error.what()).substr(0, 6) << "\n";
  }
}

/// A structure with all that a recipe has goes to the library and comes back.
void check_recipe() {
  graftwork::QuantConfig config;
  config.activation.percentile = 99.5;
  config.weight.rounding = graftwork::WeightRounding::ADAROUND;
  config.weight.rounding_iterations = 17;
  config.skip = {{"fc"}, {"fc", "conv1"}};
  config.smooth_quant = graftwork::SmoothQuantConfig{0.25};
  const graftwork::QuantConfig back = graftwork::QuantConfig::parse(config.json());
  std::cout << back.activation.percentile << " " << back.weight.rounding_iterations << " " << back.skip.weight[1].text()
            << " " << *back.smooth_quant->alpha << "\n";
}

/// A function of this program is called by the library, and what it made comes back.
void check_network() {
  const auto forward = [](const std::vector<at::Tensor>& inputs) { return std::vector{inputs[0].relu().add(2)}; };
  const std::vector<at::Tensor> inputs{at::ones({2, 3})};
  const graftwork::TransformationResult result = graftwork::transform(graftwork::capture(forward, inputs, {}, {}));
  std::cout << result.model.graph().size() << " nodes, " << result.report.counts.size() << " patterns, sum "
            << result.model(inputs)[0].sum().item<double>() << "\n";
}

}  // namespace

int main() {
  std::cout << graftwork::version() << "\n";
  check_exceptions();
  check_recipe();
  check_network();
#ifdef NDEBUG
  std::cout << "NDEBUG\n";
#endif
}
