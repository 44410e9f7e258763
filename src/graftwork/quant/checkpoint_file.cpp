#include "graftwork/quant/checkpoint_file.h"

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

constexpr const char* kRemove = "removing it: the calibration then begins anew";

}  // namespace

void ByteReader::damaged() { throw Error("checkpoint.damaged", "it holds other bytes than were written"); }

void refuse_other_checkpoint(const std::filesystem::path& path) {
  throw Error("checkpoint.other", "the checkpoint is of another model, recipe or data",
              cat("another file, or ", kRemove))
      .at(path.string());
}

void write_checkpoint_file(const std::filesystem::path& path, std::string_view kind, const std::string& body) {
  ByteWriter sum;
  sum.number(hash_text(body));
  write_file(path, cat(kind, sum.take(), body));
}

void read_checkpoint_file(const std::filesystem::path& path, std::string_view kind,
                          const std::function<void(ByteReader&)>& read) {
  try {
    const MappedFile file(path);
    std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
    if (!bytes.starts_with(kind)) throw Error("checkpoint.damaged", "it is no checkpoint of a calibration", kRemove);
    bytes.remove_prefix(kind.size());
    ByteReader head(bytes.substr(0, sizeof(uint64_t)));
    const auto sum = head.number<uint64_t>();
    bytes.remove_prefix(sizeof(uint64_t));
    if (sum != hash_text(bytes))
      throw Error("checkpoint.damaged", "the checkpoint holds other bytes than were written", kRemove);
    ByteReader in(bytes);
    read(in);
    in.end();
  } catch (Error& error) {
    throw error.at(path.string());
  }
}

}  // namespace graftwork::core
