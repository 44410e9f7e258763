#include "graftwork/quant/checkpoint.h"

#include "graftwork/base/text.h"
#include "graftwork/quant/checkpoint_file.h"
#include "graftwork/quant/content_hash.h"

namespace graftwork::core {
namespace {

constexpr std::string_view kKind = "graftwork statistics 1\n";

void write(ByteWriter& out, const Histogram& histogram) {
  out.number<int32_t>(histogram.exponent());
  out.number(histogram.zeros());
  const std::span<const uint64_t> counts = histogram.counts();
  out.number<uint64_t>(counts.size());
  for (const uint64_t count : counts) out.number(count);
}

Histogram read_histogram(ByteReader& in) {
  const auto exponent = in.number<int32_t>();
  const auto zeros = in.number<uint64_t>();
  std::vector<uint64_t> counts(in.count(sizeof(uint64_t)));
  for (uint64_t& count : counts) count = in.number<uint64_t>();
  return Histogram::restored(exponent, counts, zeros);
}

void write(ByteWriter& out, const ChannelMean& mean) {
  out.number(mean.count());
  out.number<uint64_t>(mean.sums().size());
  for (const ChannelMean::Fixed sum : mean.sums()) out.number(sum);
}

ChannelMean read_mean(ByteReader& in) {
  const auto count = in.number<int64_t>();
  std::vector<ChannelMean::Fixed> sums(in.count(sizeof(ChannelMean::Fixed)));
  for (ChannelMean::Fixed& sum : sums) sum = in.number<ChannelMean::Fixed>();
  return ChannelMean::restored(std::move(sums), count);
}

void write(ByteWriter& out, const ChannelAmax& amax) {
  const at::Tensor values = amax.empty() ? at::empty({0}, at::kFloat) : amax.value().contiguous();
  out.number<uint64_t>(static_cast<uint64_t>(values.numel()));
  for (int64_t i = 0; i < values.numel(); ++i) out.number(values.const_data_ptr<float>()[i]);
}

ChannelAmax read_amax(ByteReader& in) {
  const uint64_t count = in.count(sizeof(float));
  if (count == 0) return {};
  at::Tensor values = at::empty({static_cast<int64_t>(count)}, at::kFloat);
  for (uint64_t i = 0; i < count; ++i) values.mutable_data_ptr<float>()[i] = in.number<float>();
  return ChannelAmax::restored(std::move(values));
}

void write(ByteWriter& out, Symbol name, const Ends& ends) {
  out.text(name.str());
  out.number(ends.min);
  out.number(ends.max);
}

std::pair<Symbol, Ends> read_ends(ByteReader& in) {
  const Symbol name = in.text();
  const auto min = in.number<float>();
  return {name, {min, in.number<float>()}};
}

constexpr uint64_t kLeastEnds = sizeof(uint64_t) + 2 * sizeof(float);

void write(ByteWriter& out, const MovingAverage& moving) {
  out.number(moving.averaged());
  out.number<uint64_t>(moving.averages().size());
  for (const auto& [name, ends] : moving.averages()) write(out, name, ends);
  out.number<uint64_t>(moving.waiting().size());
  for (const auto& [index, seen] : moving.waiting()) {
    out.number(index);
    out.number<uint64_t>(seen.size());
    for (const auto& [name, ends] : seen) write(out, name, ends);
  }
}

MovingAverage read_moving(ByteReader& in) {
  const auto averaged = in.number<int64_t>();
  std::map<Symbol, Ends> averages;
  for (uint64_t left = in.count(kLeastEnds); left > 0; --left) averages.insert(read_ends(in));
  std::map<int64_t, MovingAverage::Seen> waiting;
  for (uint64_t left = in.count(2 * sizeof(uint64_t)); left > 0; --left) {
    MovingAverage::Seen& seen = waiting[in.number<int64_t>()];
    for (uint64_t more = in.count(kLeastEnds); more > 0; --more) seen.push_back(read_ends(in));
  }
  return MovingAverage::restored(averaged, std::move(averages), std::move(waiting));
}

void write(ByteWriter& out, const HalfFindings& findings) {
  out.number<uint64_t>(findings.found().size());
  for (const auto& [anchor, found] : findings.found()) {
    out.text(anchor);
    out.number(found.worst);
    out.number<uint64_t>(found.nodes.size());
    for (const std::string& node : found.nodes) out.text(node);
  }
}

HalfFindings read_findings(ByteReader& in) {
  HalfFindings findings;
  for (uint64_t left = in.count(3 * sizeof(uint64_t)); left > 0; --left) {
    const std::string anchor(in.text());
    HalfFindings::Found found{{}, in.number<double>()};
    for (uint64_t more = in.count(sizeof(uint64_t)); more > 0; --more) found.nodes.emplace(in.text());
    findings.add(anchor, found);
  }
  return findings;
}

}  // namespace

std::string to_bytes(const Statistics& statistics) {
  ByteWriter out;
  out.number<uint64_t>(statistics.ranges.size());
  for (const auto& [name, range] : statistics.ranges) {
    out.text(name);
    out.number(range.min);
    out.number(range.max);
    out.number<uint8_t>(range.seen);
    out.number<uint8_t>(range.finite);
    write(out, range.histogram);
    write(out, range.mean);
    write(out, range.channel_amax);
  }
  write(out, statistics.moving);
  write(out, statistics.half);
  out.number<uint64_t>(statistics.inputs.size());
  for (const InputSums& input : statistics.inputs) {
    out.number(input.min);
    out.number(input.max);
    for (const ChannelMean* mean : {&input.mean, &input.square, &input.patch_mean, &input.patch_moment})
      write(out, *mean);
  }
  return out.take();
}

Statistics statistics_of(std::string_view bytes) {
  ByteReader in(bytes);
  Statistics statistics;
  for (uint64_t left = in.count(sizeof(uint64_t)); left > 0; --left) {
    Range& range = statistics.ranges[std::string(in.text())];
    range.min = in.number<float>();
    range.max = in.number<float>();
    range.seen = in.number<uint8_t>() != 0;
    range.finite = in.number<uint8_t>() != 0;
    range.histogram = read_histogram(in);
    range.mean = read_mean(in);
    range.channel_amax = read_amax(in);
  }
  statistics.moving = read_moving(in);
  statistics.half = read_findings(in);
  statistics.inputs.resize(in.count(2 * sizeof(double)));
  for (InputSums& input : statistics.inputs) {
    input.min = in.number<double>();
    input.max = in.number<double>();
    for (ChannelMean* mean : {&input.mean, &input.square, &input.patch_mean, &input.patch_moment})
      *mean = read_mean(in);
  }
  in.end();
  return statistics;
}

std::string calibration_identity(const Network& network, const StatisticsRequest& request, const SampleSource& source) {
  std::string text = cat(content_hash(network), "\n", request.text(), source.size(), " samples\n");
  for (const int64_t sample : {int64_t{0}, source.size() - 1})
    text += cat(content_hash(source.samples(sample, sample + 1)), "\n");
  return std::to_string(hash_text(text));
}

void write_checkpoint(const std::filesystem::path& path, const std::string& identity, const Checkpoint& checkpoint) {
  ByteWriter out;
  out.text(identity);
  out.number(checkpoint.done);
  out.text(to_bytes(checkpoint.statistics));
  write_checkpoint_file(path, kKind, out.take());
}

std::optional<Checkpoint> read_checkpoint(const std::filesystem::path& path, const std::string& identity) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  Checkpoint checkpoint;
  read_checkpoint_file(path, kKind, [&](ByteReader& in) {
    if (in.text() != identity) refuse_other_checkpoint(path);
    checkpoint.done = in.number<int64_t>();
    checkpoint.statistics = statistics_of(in.text());
  });
  return checkpoint;
}

}  // namespace graftwork::core
