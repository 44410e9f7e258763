// Training wins back what calibration cannot: a small CNN with weights of eight and of four bits.
//     qat_digits FOLDER [EPOCHS]
// FOLDER is what prepare.py leaves. Prints how many of the held-out digits are right: of the float network, calibrated,
// and trained. Writes qat_int8.onnx, and what the network in it gives for the held-out digits, qat_int8.npz; the same
// with batch norms as nodes of their own, qat_int8_bn.onnx; and a checkpoint of each training after every epoch, from
// which the next run goes on.
#include <ATen/Parallel.h>
#include <torch/optim/adam.h>

#include <cstdio>
#include <filesystem>
#include <numbers>

#include "graftwork/base/error.h"
#include "graftwork/data/npz.h"
#include "graftwork/export/lower.h"
#include "graftwork/import/load.h"
#include "graftwork/onnx/write.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/samples/tensors.h"
#include "graftwork/train/checkpoint.h"
#include "graftwork/train/distillation.h"

namespace {

using namespace graftwork::core;

constexpr int64_t kBatch = 64;
constexpr int64_t kCalibrated = 256;
constexpr double kPeakRate = 0.002, kPeakScaleRate = 0.01;
constexpr double kTemperature = 4;

struct Digits {
  at::Tensor images;  // [N, 1, 8, 8]
  at::Tensor labels;  // [N]
};

Digits read_digits(const std::filesystem::path& path) {
  const std::vector<NamedArray> arrays = read_npz(path);  // sorted by name
  return {to_tensor(arrays.at(0).array), to_tensor(arrays.at(1).array)};
}

/// The first images, for calibration.
struct Images final : SampleSource {
  explicit Images(at::Tensor all) : images(std::move(all)) {}
  int64_t size() const override { return images.size(0); }
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override { return {images.slice(0, begin, end)}; }
  at::Tensor images;
};

at::Tensor outputs(const Network& network, const Digits& digits) {
  const at::NoGradGuard no_grad;
  return InferenceRunner(network).run(std::array{digits.images})[0];
}

/// In percent.
double accuracy(const Network& network, const Digits& digits) {
  return 100 * (outputs(network, digits).argmax(1) == digits.labels).to(at::kDouble).mean().item<double>();
}

/// The same images moved by up to one pixel, all in one random direction.
at::Tensor shifted(const at::Tensor& images, const at::Generator& random) {
  const at::Tensor to = at::randint(0, 3, {2}, random, at::TensorOptions(at::kLong));
  const int64_t y = to[0].item<int64_t>(), x = to[1].item<int64_t>();
  return at::constant_pad_nd(images, {1, 1, 1, 1}).slice(2, y, y + 8).slice(3, x, x + 8);
}

/// Up over the first tenth of the steps, down to nothing over the others.
double rate_at(int64_t step, int64_t steps) {
  const double done = static_cast<double>(step) / static_cast<double>(steps);
  return std::min(done * 10, 0.5 * (1 + std::cos(std::numbers::pi * done)));
}

struct Training {
  const Digits& digits;
  const Teacher& teacher;
  int64_t epochs;
  std::filesystem::path checkpoint;
};

void train_epoch(QatNetwork& network, torch::optim::Adam& optimizer, const Training& training, int64_t epoch) {
  const at::Generator random = at::detail::createCPUGenerator(static_cast<uint64_t>(epoch));
  const auto& [images, labels] = training.digits;
  const int64_t batches = images.size(0) / kBatch;
  const at::Tensor order = at::randperm(images.size(0), random, at::TensorOptions(at::kLong));
  for (int64_t i = 0; i < batches; ++i) {
    const double rate = rate_at(epoch * batches + i, training.epochs * batches);
    optimizer.param_groups()[0].options().set_lr(rate * kPeakRate);
    optimizer.param_groups()[1].options().set_lr(rate * kPeakScaleRate);
    const at::Tensor batch = order.slice(0, i * kBatch, (i + 1) * kBatch);
    const at::Tensor x = shifted(images.index_select(0, batch), random);
    optimizer.zero_grad();
    const at::Tensor logits = network.forward(x);
    const at::Tensor loss = at::cross_entropy_loss(logits, labels.index_select(0, batch)) +
                            distillation_loss(logits, training.teacher.output(x), kTemperature);
    loss.backward();
    optimizer.step();
  }
}

Network trained(const QuantizationResult& calibrated, const Training& training, const QatOptions& options,
                const FreezeOptions& file) {
  QatNetwork network(calibrated, options);
  torch::optim::Adam optimizer({network.model_parameters(), network.scale_parameters()});
  int64_t epoch = 0;
  network.train();
  if (std::filesystem::exists(training.checkpoint)) epoch = load_checkpoint(training.checkpoint, network, optimizer);
  while (epoch < training.epochs) {
    if (epoch == training.epochs / 2) network.freeze_batch_norm();
    train_epoch(network, optimizer, training, epoch++);
    save_checkpoint(training.checkpoint, network, optimizer, epoch);
  }
  network.eval();
  return network.freeze(file);
}

void write_results(const Network& network, const FreezeOptions& file, const Digits& heldout,
                   const std::filesystem::path& path) {
  ExportOptions options;
  options.float_type = file.float_type;
  options.keep_batch_norm = file.keep_batch_norm;
  onnx::write_model(lower(network, options), path.string() + ".onnx");
  write_npz(path.string() + ".npz", std::vector<NamedArray>{{"output", to_array(outputs(network, heldout))}});
}

struct Setting {
  const char* name;
  Precision weights;
  Precision activations;
};

void run(const std::filesystem::path& folder, int64_t epochs) {
  at::manual_seed(0);      // else torch begins with a number of its own, which checkpoints hold
  at::set_num_threads(1);  // so small a network gains nothing from threads, and one is the same everywhere
  const LoadedNetwork loaded = load_network(folder / "digits.pt2");
  const Network network{transform(loaded.network.module).model, loaded.network.tensors};
  const Digits digits = read_digits(folder / "training.npz"), heldout = read_digits(folder / "heldout.npz");
  const Teacher teacher(network);
  std::printf("right of %lld held-out digits, in percent\n\n", static_cast<long long>(heldout.labels.numel()));
  std::printf("weights activations   float  calibrated  trained\n");
  for (const Setting& setting : {Setting{"int8    int8    ", Precision::kInt8, Precision::kInt8},
                                 Setting{"int4    int8    ", Precision::kInt4, Precision::kInt8},
                                 Setting{"int4    int4    ", Precision::kInt4, Precision::kInt4}}) {
    QuantConfig config;
    config.weight.precision = setting.weights;
    config.activation.precision = setting.activations;
    QuantizeOptions options;
    options.float_type = DType::kF32;
    const QuantizationResult calibrated =
        quantize(network, Images(digits.images.slice(0, 0, kCalibrated)), config, options);
    QatOptions qat;
    qat.trainable = loaded.trainable;
    std::string checkpoint = std::string("qat_") + setting.name;
    std::erase(checkpoint, ' ');
    const Training training{digits, teacher, epochs, folder / (checkpoint + ".npz")};
    const FreezeOptions folded{.float_type = DType::kF32};
    const Network result = trained(calibrated, training, qat, folded);
    std::printf("%s    %6.2f    %6.2f   %6.2f\n", setting.name, accuracy(network, heldout),
                accuracy(calibrated.network, heldout), accuracy(result, heldout));
    std::fflush(stdout);
    if (setting.weights != Precision::kInt8) continue;
    write_results(result, folded, heldout, folder / "qat_int8");
    const FreezeOptions kept{.float_type = DType::kF32, .keep_batch_norm = true};
    write_results(trained(calibrated, training, qat, kept), kept, heldout, folder / "qat_int8_bn");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fputs("usage: qat_digits FOLDER [EPOCHS]\n", stderr);
    return 2;
  }
  try {
    run(argv[1], argc == 3 ? std::stoll(argv[2]) : 10);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
