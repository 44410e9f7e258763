// The numbers of a quantized network as text: written after calibration, edited, read back in its place.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/rescaling/sparse_factors.h"
#include "graftwork/quant/statistics.h"

namespace graftwork::core {

/// Of one stub. All but the first three tell where the scale is from, and change nothing when they are edited; but for
/// `min` and `max`, which say how far apart stubs may lie that share a scale.
struct StubScale {
  Symbol stub;
  Symbol tensor;
  float scale = 1;  ///< As in the file.
  float min = 0;    ///< Of all values that were seen.
  float max = 0;
  std::string method;  ///< Name of a CalibrationMethod, or "given": the network brought the scale.
  double clipped = 0;  ///< Share of the values beyond the end of the range.
  Precision precision = Precision::kInt8;
};

/// Of one weight, a scale for each output channel, or for each block of one, as in the file: of the weight with the
/// batch norm behind it folded.
struct WeightScales {
  Symbol layer;
  Symbol module;
  std::string method;
  std::vector<float> scales;
  Precision precision = Precision::kInt8;
};

struct ScaleTable {
  int64_t samples = 0;             ///< That it was made of.
  DType float_type = DType::kF16;  ///< Of the float regions that it was made for.
  bool keeps_batch_norm = false;   ///< Its weights are those in front of batch norms.
  std::string rescaling = {};      ///< Tells by which factors channels were rescaled; empty where none were.
  /// Tensors whose outlying channels are divided in front of their Q, by the names that they have without that.
  std::map<Symbol, ChannelFactors> divided;
  std::vector<StubScale> stubs;  ///< In the plan's order.
  std::vector<WeightScales> weights;
  WideNodes wide;      ///< What stays in FP32 among FP16, with reasons.
  ChannelMeans means;  ///< For bias correction.

  /// Null when there is none.
  const StubScale* stub(Symbol name) const;
  const WeightScales* weight(Symbol module, Symbol layer) const;
};

/// One JSON object a line: a head, then divided tensors, stubs, weights, nodes in FP32, means. The same bytes for the
/// same table; every number is the shortest that reads back as itself.
std::string scale_table_text(const ScaleTable& table);

/// Reads what scale_table_text writes, edited or not: lines in any order behind the head. Throws Error "scales.json",
/// "scales.key", "scales.value" with the line.
ScaleTable parse_scale_table(const std::string& text);

/// `parse_scale_table` of a file, whose name is in the error.
ScaleTable read_scale_table(const std::filesystem::path& path);

/// What the table must fit. `network` has its stubs (apply_stub_plan). Throws Error "scales.unknown" that lists the
/// names which the plan, or for nodes the network, does not have, "scales.other" for scales of another precision, of
/// weights with or without batch norms, or of channels that were rescaled in another way.
void check_scale_table(const ScaleTable& table, const StubPlan& plan, const Network& network, bool keeps_batch_norm,
                       const std::string& rescaling);

/// Throws Error "scales.value" for stubs that share a scale and have two in the table.
void check_shared_scales(const ScaleTable& table, const StubPlan& plan);

/// What only data can tell: stubs without a line, tensors without the means that are asked for, FP16 regions where the
/// table is of FP32. A line each, for people; empty when the table says it all.
std::vector<std::string> not_in_table(const ScaleTable& table, const StubPlan& plan, DType float_type,
                                      const StatisticsRequest& request);

/// The ranges of the table's tensors.
std::map<std::string, Range> ranges_of(const ScaleTable& table);

}  // namespace graftwork::core
