// The walk of channels from where they are made to where they are read.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>

#include "graftwork/ir/body.h"
#include "graftwork/quant/rescaling/channel_reads.h"

namespace graftwork::core {

/// Walks through the bodies of kernels too.
class ChannelWalk {
 public:
  /// Within the network.
  explicit ChannelWalk(const GraphModule& module) : module_(module) {}
  /// Within one kernel that the network calls, whose results are noted.
  ChannelWalk(const GraphModule& module, const Node& call);

  /// Nodes of the kernel's body, with types; only within one.
  const Graph& body() const { return start_->body.graph(); }

  /// Follows the channels of a value to the end.
  void run(const Node& value, const ChannelLayout& layout);
  /// From some of its uses alone.
  void run(const std::vector<const Use*>& uses, const ChannelLayout& layout);

  const ChannelReads& reads() const { return reads_; }
  /// By number of the kernel's result; only within one.
  const std::map<int64_t, ChannelLayout>& results() const { return results_; }

 private:
  /// The body of a call; calls inside bodies have an outer one.
  struct Frame {
    const Node* call;
    const Frame* outer;
    BodyInstance body;
  };
  struct Open {
    const Node* value;
    ChannelLayout layout;
    const Frame* frame;
  };
  /// A concatenation, and its operands that were reached.
  struct Joined {
    explicit Joined(const Node* concatenation) : node(concatenation) {}
    const Node* node;
    std::vector<Open> operands;
  };

  const Frame& frame_of(const Node& call, const Frame* outer);
  const Node& network_node(const Node& node, const Frame* frame) const;
  void refuse(const Node& reader, const Frame* frame, const std::string& why);
  void follow_open();
  void push(const Node& value, std::optional<ChannelLayout> layout, const Frame* frame);
  void follow(const Use& use, const Open& from);
  void leave(int64_t result, const Open& from);
  void read_by_module(const Use& use, const Open& from);
  void read_by_layer(const Use& use, const Open& from);
  void read_by_operator(const Use& use, const Open& from);
  void read_by_concatenation(const Use& use, const Open& from);
  Symbol input_name(const Node& value, const Frame* frame) const;

  const GraphModule& module_;
  std::unordered_map<const Node*, std::unique_ptr<Frame>> frames_;
  const Frame* start_ = nullptr;
  std::vector<Open> open_;
  std::vector<Joined> joined_;  // in the order in which they were reached
  ChannelReads reads_;
  std::map<int64_t, ChannelLayout> results_;
};

}  // namespace graftwork::core
