#include "graftwork/quant/pushed/pushed_checkpoint.h"

#include <cstring>
#include <deque>
#include <optional>

#include "graftwork/nn/dtypes.h"
#include "graftwork/quant/checkpoint.h"
#include "graftwork/quant/checkpoint_file.h"

namespace graftwork::core {
namespace {

constexpr std::string_view kKind = "graftwork pushed statistics 1\n";

/// Elements in the order of their axes, and how they lay in memory, which may decide which kernels run.
void write(ByteWriter& out, at::Tensor tensor) {
  if (!tensor.is_non_overlapping_and_dense()) tensor = tensor.contiguous();
  const at::Tensor plain = tensor.contiguous();
  out.text(dtype_name(type_of(tensor).dtype));
  out.number<uint64_t>(static_cast<uint64_t>(tensor.dim()));
  for (int64_t axis = 0; axis < tensor.dim(); ++axis) {
    out.number(tensor.size(axis));
    out.number(tensor.stride(axis));
  }
  out.text({static_cast<const char*>(plain.const_data_ptr()), plain.nbytes()});
}

/// Whether elements of that extent lie in memory for so many, and no further.
bool is_dense(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides, uint64_t elements) {
  uint64_t last = 0;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    uint64_t reach = 0;
    if (strides[axis] < 0 || __builtin_mul_overflow(sizes[axis] - 1, strides[axis], &reach) ||
        __builtin_add_overflow(last, reach, &last))
      return false;
  }
  return last < elements;
}

at::Tensor read_tensor(ByteReader& in) {
  const std::optional<DType> dtype = parse_dtype(in.text());
  std::vector<int64_t> sizes(in.count(2 * sizeof(int64_t))), strides(sizes.size());
  uint64_t elements = 1;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    sizes[axis] = in.number<int64_t>();
    strides[axis] = in.number<int64_t>();
    if (sizes[axis] < 0 || __builtin_mul_overflow(elements, sizes[axis], &elements)) ByteReader::damaged();
  }
  const std::string_view bytes = in.text();
  uint64_t size = 0;
  if (!dtype || __builtin_mul_overflow(elements, dtype_bytes(*dtype), &size) || size != bytes.size() ||
      !is_dense(sizes, strides, elements))
    ByteReader::damaged();
  const at::Tensor plain = at::empty(sizes, to_torch(*dtype));
  std::memcpy(plain.mutable_data_ptr(), bytes.data(), bytes.size());
  const at::Tensor tensor = at::empty_strided(sizes, strides, plain.options());
  if (!tensor.is_non_overlapping_and_dense()) ByteReader::damaged();
  return tensor.copy_(plain);
}

void write(ByteWriter& out, const SampleWindow& window) {
  out.number(window.size());
  out.number<uint64_t>(window.batches().size());
  for (const SampleWindow::Batch& batch : window.batches()) {
    out.number(batch.begin);
    out.number(batch.end);
    for (const at::Tensor& input : batch.inputs) write(out, input);
  }
}

SampleWindow read_window(ByteReader& in, const InputCheck& check) {
  const auto size = in.number<int64_t>();
  std::deque<SampleWindow::Batch> batches;
  for (uint64_t left = in.count(2 * sizeof(int64_t)); left > 0; --left) {
    SampleWindow::Batch batch{in.number<int64_t>(), in.number<int64_t>(), {}};
    for (size_t i = 0; i < check.batching().batched.size(); ++i) batch.inputs.push_back(read_tensor(in));
    const bool follows = batches.empty() ? batch.begin >= 0 : batch.begin == batches.back().end;
    if (!follows || check.samples_in(batch.inputs) != batch.end - batch.begin) ByteReader::damaged();
    batches.push_back(std::move(batch));
  }
  if (size < 0 || (!batches.empty() && batches.back().end != size)) ByteReader::damaged();
  return SampleWindow(check.batching()).restored(std::move(batches), size);
}

/// Whether it holds all samples from `first` on.
bool holds_from(const SampleWindow& window, int64_t first) {
  return window.size() <= first || (!window.batches().empty() && window.batches().front().begin <= first);
}

}  // namespace

void write_pushed_checkpoint(const std::filesystem::path& path, const PushedCheckpoint& checkpoint) {
  ByteWriter out;
  out.text(checkpoint.calibration);
  out.text(checkpoint.observation);
  out.number(checkpoint.done);
  out.text(to_bytes(checkpoint.statistics));
  write(out, checkpoint.kept);
  write(out, checkpoint.window);
  write_checkpoint_file(path, kKind, out.take());
}

PushedCheckpoint read_pushed_checkpoint(const std::filesystem::path& path, const std::string& calibration,
                                        const InputCheck& check) {
  PushedCheckpoint checkpoint{calibration, {}, 0, {}, SampleWindow(check.batching()), SampleWindow(check.batching())};
  read_checkpoint_file(path, kKind, [&](ByteReader& in) {
    if (in.text() != calibration) refuse_other_checkpoint(path);
    checkpoint.observation = in.text();
    checkpoint.done = in.number<int64_t>();
    checkpoint.statistics = statistics_of(in.text());
    checkpoint.kept = read_window(in, check);
    checkpoint.window = read_window(in, check);
    const int64_t most = check.batching().micro_batches(checkpoint.window.size());
    const bool is_whole = checkpoint.done >= 0 && checkpoint.done <= most && holds_from(checkpoint.kept, 0) &&
                          holds_from(checkpoint.window, checkpoint.done * check.batching().size) &&
                          checkpoint.observation.empty() == (checkpoint.kept.size() == 0);
    if (!is_whole) ByteReader::damaged();
  });
  return checkpoint;
}

}  // namespace graftwork::core
