// Modes of modules, and batch norm live, frozen, or live in a part of a network.
#include "graftwork/train/module_modes.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "unit/train/trained_networks.h"

namespace graftwork::core::testing {
namespace {

at::Tensor buffer(const QatNetwork& network, const std::string& name) {
  for (const auto& [found, tensor] : network.named_buffers()) {
    if (found == name) return tensor.clone();
  }
  throw std::runtime_error("no buffer " + name);
}

/// Whether a forward pass moved the running variance of each batch norm.
struct Moved {
  bool stem, body;
  friend bool operator==(const Moved&, const Moved&) = default;
};

std::ostream& operator<<(std::ostream& out, const Moved& moved) { return out << moved.stem << moved.body; }

Moved moved_by(const std::function<void(QatNetwork&)>& set) {
  QatNetwork network(calibrated(transformed(kSmallCnn)));
  set(network);
  const at::Tensor stem = buffer(network, "stem.bn.running_var"), body = buffer(network, "body.bn.running_var");
  network.forward(random_batch(8, 2));
  return {!at::equal(stem, buffer(network, "stem.bn.running_var")),
          !at::equal(body, buffer(network, "body.bn.running_var"))};
}

TEST(ModuleModes, SayWhichBatchNormsAreLive) {
  EXPECT_EQ(moved_by([](QatNetwork&) {}), (Moved{false, false})) << "it begins in evaluation";
  EXPECT_EQ(moved_by([](QatNetwork& network) { network.train(); }), (Moved{true, true}));
  EXPECT_EQ(moved_by([](QatNetwork& network) { network.train("stem"); }), (Moved{true, false}));
  EXPECT_EQ(moved_by([](QatNetwork& network) { network.train("body.bn"); }), (Moved{false, true}));
  EXPECT_EQ(moved_by([](QatNetwork& network) { network.train("FusedConvBNAct_0"); }), (Moved{true, false}))
      << "a kernel's parts go with it";
  EXPECT_EQ(moved_by([](QatNetwork& network) {
              network.train();
              network.eval("stem");
            }),
            (Moved{false, true}));
}

TEST(ModuleModes, KeepFrozenBatchNormsFrozen) {
  EXPECT_EQ(moved_by([](QatNetwork& network) {
              network.train();
              network.freeze_batch_norm();
              network.train();
            }),
            (Moved{false, false}));
}

TEST(ModuleModes, LetFrozenBatchNormsLearnWhatTheyScaleBy) {
  QatNetwork network(calibrated(transformed(kSmallCnn)));
  network.train();
  network.freeze_batch_norm();
  network.forward(random_batch(8, 2)).square().sum().backward();
  for (const auto& [name, tensor] : network.named_parameters()) {
    if (name == "stem.bn.weight") {
      EXPECT_GT(tensor.grad().abs().max().item<double>(), 0);
    }
  }
}

TEST(ModuleModes, RefuseAPathThatNamesNothing) {
  QatNetwork network(calibrated(transformed(kSmallCnn)));
  for (const char* path : {"", "ste", "stem.conv.weight", "nowhere"}) {
    try {
      network.train(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), "train.module");
    }
  }
}

}  // namespace
}  // namespace graftwork::core::testing
