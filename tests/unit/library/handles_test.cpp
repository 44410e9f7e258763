// Handles that were moved from are still there.
#include "unit/library/library_testing.h"

namespace graftwork::testing {
namespace {

/// What `look` says of a handle is the same before it is moved from and after that, by construction and by assignment.
template <class Handle, class Look>
void expect_kept(Handle handle, const Look& look) {
  const auto before = look(handle);
  Handle other(std::move(handle));
  EXPECT_EQ(look(handle), before);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(look(other), before);
  handle = std::move(other);
  EXPECT_EQ(look(other), before);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(look(handle), before);
}

TEST_F(Library, HandlesThatWereMovedFromAreStillThere) {
  const Network network = transformed().model;
  const auto text_of = [](const auto& handle) { return handle.text(); };
  const auto name_of = [](const auto& handle) { return handle.name(); };
  expect_kept(network, [](const Network& moved) { return moved.print_readable(); });
  expect_kept(network.graph(), text_of);
  expect_kept(network.graph().nodes().back(), name_of);
  expect_kept(network.modules().front(), text_of);
  expect_kept(Patterns(TENSORRT_PATTERNS), [](const Patterns& moved) { return moved.names(); });
  expect_kept(get_backend(), name_of);
  expect_kept(Executor(network), [&](const Executor& moved) { return moved.run(inputs_).size(); });
  expect_kept(calibrated(network), [](const QuantizationResult& moved) { return moved.scales(); });
  Calibrator calibrator(network);
  calibrator.observe(data_[0]);
  expect_kept(std::move(calibrator), [](const Calibrator& moved) { return moved.samples(); });
  expect_kept(QatNetwork(calibrated(network)),
              [&](const QatNetwork& moved) { return moved.forward(inputs_)[0].sum().item<float>(); });
}

}  // namespace
}  // namespace graftwork::testing
