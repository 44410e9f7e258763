#include "graftwork/data/image/image_set.h"

#include "graftwork/base/error.h"

namespace graftwork::core {

void ImageSet::thin_out(int64_t count) {
  if (count >= size()) return;
  std::vector<std::filesystem::path> kept;
  for (int64_t i = 0; i < count; ++i) kept.push_back(file(i * size() / count));
  files_ = std::move(kept);
}

Array ImageSet::sample_range(int64_t begin, int64_t end) const {
  GRAFTWORK_ASSERT(0 <= begin && begin <= end && end <= size());
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
