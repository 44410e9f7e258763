// %y = aten.pixel_shuffle.default(%x) {upscale_factor=2}   =>   %y = nn.PixelShuffle @path(%x) {upscale_factor=2}
//
// Its reverse and the shuffle of channel groups too.
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

struct RaisePixelShufflePattern final : Pattern {
  Pat x = any();
  Pat shuffle = op({"aten.pixel_shuffle.default", "aten.pixel_unshuffle.default", "aten.channel_shuffle.default"})(x);

  std::string_view name() const override { return "RaisePixelShufflePattern"; }
  std::vector<Pat> roots() const override { return {shuffle}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[shuffle];
    const auto raise = [&](Symbol kind, Symbol attr) {
      ModuleRecord record = module_at(node, kind);
      if (Outcome copied = copy_attr(record, attr, node); !copied) return copied;
      return raise_to(graft, node, std::move(record), {&match[x]});
    };
    if (node.op() == Symbol("aten.pixel_shuffle.default")) return raise("nn.PixelShuffle", "upscale_factor");
    if (node.op() == Symbol("aten.pixel_unshuffle.default")) return raise("nn.PixelUnshuffle", "downscale_factor");
    return raise("nn.ChannelShuffle", "groups");
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_pixel_shuffle_pattern() {
  return std::make_shared<RaisePixelShufflePattern>();
}

}  // namespace graftwork::core
