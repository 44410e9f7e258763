// What the command line asks for, as plain structs: the launcher fills them, either half reads them.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "graftwork/cli/output/command_files.h"
#include "graftwork/data/image/preprocess.h"
#include "graftwork/ir/type.h"
#include "graftwork/place/quant_config.h"

namespace graftwork::core::cli {

/// Which engine, and files of patterns (.gpat) that go in front of its lists; shared by all that transform.
struct BackendFlags {
  std::string name;  ///< Empty: the only backend there is.
  std::vector<std::filesystem::path> patterns;
};

/// What stays in floating point; shared by `quantize`, `run` and `plan`.
struct RecipeFlags {
  std::filesystem::path file;  ///< Empty: the default recipe.
  std::vector<std::string> skip_stub;
  std::vector<std::string> skip_weight;
};

/// The options that fill ImageOptions, as messages name them.
inline constexpr const char* kImageOptions = "--image-size, --resize, --pad-value, --channels, --mean and --std";

/// Where the ranges come from; shared by `quantize` and `run`.
struct CalibrationFlags {
  std::filesystem::path data;
  int64_t limit = 0;    ///< 0: all samples.
  ImageOptions images;  ///< Also for the inputs of `run`.
  DType float_type = DType::kF16;
  bool keep_batch_norm = false;
  std::optional<CalibrationMethod> method;  ///< Instead of the recipe's; of weights where it is minmax or mse.
  RecipeFlags recipe;
  std::filesystem::path plan;    ///< Empty: none.
  std::filesystem::path scales;  ///< Table of scales that hold instead of ranges in the data; empty: none.
  BackendFlags backend;
  std::filesystem::path checkpoint;           ///< Empty: none. Only for `quantize`.
  std::function<void()> before_keeping = {};  ///< Called when a checkpoint is to be written; may throw.
  int64_t memory_limit = 0;                   ///< Bytes for running the network; 0: what the machine has left.
  bool quiet = false;
};

/// An input to be made up.
struct InputShape {
  std::string name;  ///< Empty: the next one.
  DType dtype = DType::kF32;
  std::vector<int64_t> extents;
};

/// What a TorchScript file does not say.
struct ScriptFlags {
  bool allow_code = false;
  std::vector<InputShape> shapes;
  std::filesystem::path example;  ///< Empty: none.

  bool speaks_of_inputs() const { return !shapes.empty() || !example.empty(); }
};

/// How a network is opened; shared by all that open one.
struct OpenFlags {
  ScriptFlags script;
  bool isolated = true;                 ///< In a process of its own (isolation.h).
  std::atomic<bool>* opened = nullptr;  ///< Told when it is open; null: nobody asks.
};

struct QuantizeRequest {
  CommandFiles files;
  std::filesystem::path model;
  OpenFlags open;
  std::filesystem::path output;
  std::filesystem::path report;  ///< Empty: none; so are the next three.
  std::filesystem::path html;
  std::filesystem::path config_output;
  std::filesystem::path scales_output;
  CalibrationFlags calibration;
  int64_t opset = 0;  ///< 0: what the graph needs.
  bool attention_operator = false;
  bool float_weights = false;
  bool no_losses = false;
};

struct TransformRequest {
  CommandFiles files;
  std::filesystem::path model;
  OpenFlags open;
  std::filesystem::path plan;  ///< Empty: none.
  BackendFlags backend;
  std::filesystem::path output;  ///< Empty: standard output.
  std::filesystem::path report;  ///< Empty: none.
};

struct PlanRequest {
  CommandFiles files;
  std::filesystem::path model;
  OpenFlags open;
  std::filesystem::path output;
  std::filesystem::path plan;  ///< Whose transformation is kept; empty: none.
  BackendFlags backend;
  bool quantize = false;
  bool dry_run = false;  ///< Nothing is written, and there is no output.
  RecipeFlags recipe;    ///< Only with `quantize`.
};

struct ExplainRequest {
  CommandFiles files;
  std::filesystem::path model;
  OpenFlags open;
  BackendFlags backend;
  std::string node;
};

struct InspectRequest {
  CommandFiles files;
  std::filesystem::path model;
  OpenFlags open;
  bool json = false;
  bool quiet = false;  ///< Opens it and prints nothing.
};

/// How far the network goes before `run` runs it.
enum class Stage : uint8_t { kFloat, kTransformed, kQuantized };

struct InputFile {
  std::string name;  ///< Empty: the network's only input.
  std::filesystem::path path;
};

struct RunRequest {
  CommandFiles files;
  std::filesystem::path model;
  OpenFlags open;
  std::filesystem::path output;
  std::vector<InputFile> inputs;
  Stage stage = Stage::kFloat;
  CalibrationFlags calibration;         ///< Only for Stage::kQuantized.
  std::filesystem::path override_file;  ///< Empty: none.
  std::vector<std::string> values;      ///< Names of further values to write; "all" stands for every one.
};

struct CompareRequest {
  CommandFiles files;
  std::filesystem::path model;
  OpenFlags open;
  std::filesystem::path file;  ///< Written from it; empty: none.
  std::filesystem::path data;  ///< To compare on; CalibrationFlags::data where that is not given.
  int64_t samples = 0;         ///< 0: one in sixteen, one to eight.
  Stage stage = Stage::kQuantized;
  CalibrationFlags calibration;
  std::filesystem::path report;  ///< Empty: none.
};

/// By what layers are ranked.
enum class SensitivityRank : uint8_t { kSqnr, kCosine, kClipped, kTop1 };

struct SensitivityRequest {
  CommandFiles files;
  std::filesystem::path model;
  OpenFlags open;
  std::filesystem::path data;    ///< To measure on; CalibrationFlags::data where that is not given.
  std::filesystem::path labels;  ///< Empty: none.
  int64_t samples = 0;           ///< 0: SensitivityOptions decides.
  SensitivityRank rank = SensitivityRank::kSqnr;
  CalibrationFlags calibration;
  std::filesystem::path checkpoint;  ///< Empty: none.
  std::optional<double> target_sqnr;
  std::optional<int64_t> budget;
  std::filesystem::path recipe;  ///< To write; empty: none.
  std::filesystem::path report;  ///< Empty: none.
};

/// Whether the file is a printed graph, which needs no torch to read.
inline bool is_printed_graph(const std::filesystem::path& model) { return model.extension() == ".gir"; }

}  // namespace graftwork::core::cli
