// Layers in groups that fit into memory together.
#include "graftwork/quant/rounding/layer_groups.h"

#include <gtest/gtest.h>

#include <utility>

namespace graftwork::core {
namespace {

using Groups = std::vector<std::pair<size_t, size_t>>;

Groups groups_of(const std::vector<int64_t>& bytes, int64_t most) {
  Groups groups;
  in_groups(bytes, most, [&](size_t first, size_t count) { groups.emplace_back(first, count); });
  return groups;
}

TEST(LayerGroups, HoldAsManyLayersAsFit) {
  EXPECT_EQ(groups_of({4, 4, 2, 3, 7}, 10), (Groups{{0, 3}, {3, 2}}));
  EXPECT_EQ(groups_of({4, 4, 3}, 10), (Groups{{0, 2}, {2, 1}}));
}

TEST(LayerGroups, HoldALayerThatDoesNotFitAlone) {
  EXPECT_EQ(groups_of({30, 1, 30}, 10), (Groups{{0, 1}, {1, 1}, {2, 1}}));
}

TEST(LayerGroups, AreNoneOfNoLayers) { EXPECT_EQ(groups_of({}, 10), Groups()); }

}  // namespace
}  // namespace graftwork::core
