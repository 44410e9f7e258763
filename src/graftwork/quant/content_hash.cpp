#include "graftwork/quant/content_hash.h"

#include "graftwork/base/hash.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core {
namespace {

std::string line_of(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().cpu().contiguous();
  const std::string_view bytes(static_cast<const char*>(plain.const_data_ptr()), plain.nbytes());
  return cat(type_of(plain).text(), " ", hash_digits(hash_text(bytes)), "\n");
}

}  // namespace

void ContentHash::add(const at::Tensor& tensor) { lines_ += line_of(tensor); }

std::string ContentHash::digits() const { return hash_digits(hash_text(lines_)); }

std::string content_hash(std::span<const at::Tensor> tensors) {
  ContentHash hash;
  for (const at::Tensor& tensor : tensors) hash.add(tensor);
  return hash.digits();
}

std::string content_hash(const Network& network) {
  std::string lines = fingerprint(network.module) + "\n";
  for (const auto& [name, type] : network.module.parameters())
    lines += cat(name, " ", line_of(network.tensors.at(name)));
  return hash_digits(hash_text(lines));
}

}  // namespace graftwork::core
