#include "graftwork/import/pickle/tensor_file.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/pickle/pickle.h"

namespace graftwork::core {
namespace {

[[noreturn]] void fail(std::string message) {
  throw Error("pickle.contents", std::move(message), "exporting a model whose weights are plain tensors");
}

/// "<root>/", from the entry that every file of torch.save has.
std::string find_root(const ZipReader& zip) {
  for (const std::string_view name : zip.names()) {
    const size_t slash = name.find('/');
    if (slash != std::string_view::npos && name.substr(slash + 1) == "data.pkl") return std::string(name, 0, slash + 1);
  }
  fail("the archive was not written by torch.save: it has no data.pkl");
}

StoredTensor stored(const pickle::Document& document, const pickle::Tensor& tensor) {
  const auto& storage = *document.get_if<pickle::Storage>(tensor.storage);
  return {.key = storage.key,
          .element = tensor.element_type.empty() ? storage.type : tensor.element_type,
          .offset = tensor.offset,
          .sizes = tensor.sizes,
          .strides = tensor.strides,
          .requires_grad = tensor.requires_grad,
          .is_parameter = tensor.is_parameter};
}

}  // namespace

TensorFile::TensorFile(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                       const std::string& label) {
  if (bytes.empty()) return;
  zip_ = std::make_unique<const ZipReader>(bytes, owner, label);
  try {
    read();
  } catch (Error& error) {
    throw error.at(label);
  }
}

void TensorFile::read() {
  root_ = find_root(*zip_);
  if (zip_->contains(root_ + "byteorder")) {
    const auto order = zip_->entry(root_ + "byteorder");
    const std::string_view text(reinterpret_cast<const char*>(order.data()), order.size());
    if (text != "little") fail(cat("the tensors are ", quoted(text), "-endian"));
  }
  const pickle::Document document = pickle::read_pickle(zip_->entry(root_ + "data.pkl"));
  const auto* dict = document.get_if<pickle::Dict>(document.root);
  if (dict == nullptr) fail("the file does not hold a dict of tensors");
  for (const auto& [key, value] : dict->items) {
    const auto* name = document.get_if<std::string>(key);
    if (name == nullptr) fail("a key of the dict is no text");
    const pickle::Tensor* tensor = document.tensor(value);
    if (tensor == nullptr) fail(cat(quoted(*name), " is no tensor"));
    tensors_.insert_or_assign(*name, stored(document, *tensor));
  }
}

std::span<const std::byte> TensorFile::record(std::string_view key) const {
  if (!zip_) throw Error("archive.missing", cat("the dict of tensors is empty and has no record ", quoted(key)));
  return zip_->entry(cat(root_, "data/", key));
}

}  // namespace graftwork::core
