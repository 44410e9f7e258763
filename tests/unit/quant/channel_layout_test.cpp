// Channels through views, turns and parts: where they stand is what moving their numbers says.
#include "graftwork/quant/rescaling/channel_layout.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <numeric>

namespace graftwork::core::testing {
namespace {

using Channels = std::vector<int64_t>;

ChannelLayout layout(const std::vector<int64_t>& sizes, size_t axis) {
  return ChannelLayout(std::vector<Dim>(sizes.begin(), sizes.end()), axis);
}

/// The channel of each element.
at::Tensor numbers(const std::vector<int64_t>& sizes, size_t axis) {
  std::vector<int64_t> shape(sizes.size(), 1);
  shape[axis] = sizes[axis];
  return at::arange(sizes[axis]).view(shape).expand(sizes).contiguous();
}

/// Along the axis, where all others have the same.
Channels along(const at::Tensor& moved, int64_t axis) {
  const at::Tensor rows = moved.transpose(axis, -1).reshape({-1, moved.size(axis)});
  EXPECT_TRUE(at::equal(rows, rows[0].expand_as(rows)));
  const at::Tensor row = rows[0].contiguous();
  return {row.const_data_ptr<int64_t>(), row.const_data_ptr<int64_t>() + row.numel()};
}

TEST(ChannelLayout, FollowsHeadsThereAndBack) {
  const std::vector<int64_t> sizes{2, 5, 12};
  const at::Tensor heads = numbers(sizes, 2).view({2, 5, 3, 4}).permute({0, 2, 1, 3});
  const at::Tensor back = heads.permute({0, 2, 1, 3}).reshape({10, 12});
  const auto split = layout(sizes, 2).reshaped({2, 5, 3, 4});
  ASSERT_TRUE(split);
  const ChannelLayout turned = split->permuted({0, 2, 1, 3});
  EXPECT_FALSE(turned.channels_along(1)) << "they stand along two axes";
  EXPECT_TRUE(turned.is_free(2));
  const auto joined = turned.permuted({0, 2, 1, 3}).reshaped({10, 12});
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->channels_along(1), along(back, 1));
  const auto batches = turned.reshaped({6, 5, 4});
  ASSERT_TRUE(batches) << "heads among the samples";
  EXPECT_EQ(batches->permuted({1, 0, 2}).reshaped({5, 2, 12})->channels_along(2), along(back, 1));
}

TEST(ChannelLayout, FollowsRepeatedHeads) {
  const at::Tensor values = numbers({1, 2, 5, 4}, 3) + at::arange(2).view({1, 2, 1, 1}) * 4;
  const at::Tensor repeated = values.unsqueeze(2).expand({1, 2, 3, 5, 4}).reshape({1, 6, 5, 4});
  const auto found = layout({1, 5, 8}, 2)
                         .reshaped({1, 5, 2, 4})
                         ->permuted({0, 2, 1, 3})
                         .reshaped({1, 2, 1, 5, 4})
                         ->resized({1, 2, 3, 5, 4})
                         ->reshaped({1, 6, 5, 4})
                         ->permuted({0, 2, 1, 3})
                         .reshaped({1, 5, 24});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->channels_along(2), along(repeated.permute({0, 2, 1, 3}).reshape({1, 5, 24}), 2));
}

TEST(ChannelLayout, FollowsMapsThatAreFlattened) {
  const std::vector<int64_t> sizes{1, 3, 2, 2};
  EXPECT_EQ(layout(sizes, 1).reshaped({1, 12})->channels_along(1), along(numbers(sizes, 1).view({1, 12}), 1));
  const Dim height = Dim::symbol("h");
  const ChannelLayout symbolic({Dim::symbol("b"), Dim(3), height, Dim(2)}, 1);
  EXPECT_EQ(symbolic.reshaped({Dim::symbol("b"), Dim(3), height * Dim(2)})->channels_along(1), (Channels{0, 1, 2}));
  EXPECT_FALSE(symbolic.reshaped({Dim::symbol("b"), height * Dim(6)})->channels_along(1)) << "how many is not known";
}

TEST(ChannelLayout, FollowsParts) {
  const ChannelLayout packed = *layout({2, 5, 12}, 2).reshaped({2, 5, 3, 4});
  const auto values = packed.selected(2, 2);
  ASSERT_TRUE(values);
  EXPECT_EQ(values->channels_along(2), (Channels{8, 9, 10, 11}));
  EXPECT_EQ(values->channels(), (Channels{8, 9, 10, 11}));
  EXPECT_EQ(layout({2, 6}, 1).sliced(1, 2, Dim(3))->channels_along(1), (Channels{2, 3, 4}));
  EXPECT_EQ(layout({7, 6}, 1).sliced(0, 2, Dim(3)), layout({3, 6}, 1)) << "of a free axis";
}

TEST(ChannelLayout, RefusesWhatItCannotFollow) {
  EXPECT_FALSE(layout({2, 12}, 1).reshaped({3, 8})) << "a row has parts of two";
  EXPECT_FALSE(layout({2, 6}, 1).resized({Dim(2), Dim(5)}));
  EXPECT_FALSE(layout({2, 6}, 1).resized({Dim(6)}));
  EXPECT_FALSE(layout({4, 6}, 0).reshaped({3, 8})) << "channels are cut";
  EXPECT_FALSE(layout({2, 12}, 1).reshaped({2, 3, 4})->reshaped({2, 12})->sliced(1, 2, Dim(3)));
}

TEST(ChannelLayout, AgreesBesideFreeAxes) {
  EXPECT_TRUE(layout({2, 6}, 1).agrees_with(layout({9, 6}, 1)));
  EXPECT_FALSE(layout({6, 6}, 1).agrees_with(layout({6, 6}, 0)));
  EXPECT_FALSE(layout({2, 6}, 1).agrees_with(*layout({2, 12}, 1).sliced(1, 6, Dim(6))));
}

}  // namespace
}  // namespace graftwork::core::testing
