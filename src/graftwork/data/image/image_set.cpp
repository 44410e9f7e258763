#include "graftwork/data/image/image_set.h"

#include "graftwork/base/available_memory.h"
#include "graftwork/base/error.h"
#include "graftwork/base/saturating.h"
#include "graftwork/base/text.h"

namespace graftwork::core {

void ImageSet::thin_out(int64_t count) {
  if (count >= size()) return;
  std::vector<std::filesystem::path> kept;
  for (int64_t i = 0; i < count; ++i) kept.push_back(file(i * size() / count));
  files_ = std::move(kept);
}

void ImageSet::check_room(int64_t samples) const {
  constexpr int64_t kAlwaysFits = int64_t{32} << 20;  // to ask the machine takes time
  int64_t elements = 1;
  for (const int64_t extent : preprocessor_.sample_shape()) elements = saturating_product(elements, extent);
  // One of them exists twice, as its pixels too.
  const int64_t each = saturating_product(elements, static_cast<int64_t>(dtype_bytes(preprocessor_.type())));
  const int64_t needed = saturating_sum(saturating_product(samples + 1, each), elements);
  if (needed <= kAlwaysFits) return;
  core::check_room(needed, memory_limit_,
                   cat("making ", counted(static_cast<size_t>(samples), "sample"), " of pictures takes about"),
                   "a smaller size of them, or a larger limit");
}

Array ImageSet::sample_range(int64_t begin, int64_t end) const {
  GRAFTWORK_ASSERT(0 <= begin && begin <= end && end <= size());
  check_room(end - begin);
  std::vector<std::byte> bytes;
  for (int64_t sample = begin; sample < end; ++sample) {
    const Array array = preprocessor_.read(file(sample));
    if (bytes.empty()) bytes.reserve(array.bytes.size() * static_cast<size_t>(end - begin));
    bytes.insert(bytes.end(), array.bytes.begin(), array.bytes.end());
  }
  std::vector<int64_t> shape = preprocessor_.sample_shape();
  shape.insert(shape.begin(), end - begin);
  return make_array(preprocessor_.type(), std::move(shape), std::move(bytes));
}

}  // namespace graftwork::core
