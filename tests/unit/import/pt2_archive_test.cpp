#include "graftwork/import/pt2/archive_layout.h"
#include "graftwork/import/pt2/element_types.h"
#include "graftwork/import/pt2/payloads.h"
#include "unit/import/pickle_bytes.h"

namespace graftwork::core::pt2 {
namespace {

using namespace graftwork::core::testing;

class Pt2ArchiveTest : public FolderTest {
 protected:
  /// What torch 2.13 writes for a model with one weight and one constant, with `root` as its folder.
  static std::vector<ZipPart> parts(const std::string& root = "net") {
    return {{.name = root + "/data/weights/weight_0", .body = "WEIGHT"},
            {.name = root + "/data/weights/model_weights_config.json", .body = "{\"config\": 1}"},
            {.name = root + "/data/constants/tensor_0", .body = "CONSTANT"},
            {.name = root + "/data/constants/model_constants_config.json", .body = "{\"config\": 2}"},
            {.name = root + "/models/model.json", .body = "{\"model\": 3}"},
            {.name = root + "/archive_format", .body = "pt2"},
            {.name = root + "/archive_version", .body = "0"},
            {.name = root + "/byteorder", .body = "little"}};
  }

  Pt2Archive open(const std::vector<ZipPart>& zip_parts) const {
    return Pt2Archive::open(put("net.pt2", zip_bytes(zip_parts)));
  }

  void refuse(std::string_view words, const std::vector<ZipPart>& zip_parts) const {
    expect_error("pt2.layout", words, [&] { open(zip_parts); });
    expect_error("pt2.layout", "net.pt2", [&] { open(zip_parts); });
  }
};

/// Replaces the body of the part whose name ends so, or removes it.
std::vector<ZipPart> with(std::vector<ZipPart> parts, std::string_view ending, const char* body) {
  if (body == nullptr) {
    std::erase_if(parts, [&](const ZipPart& part) { return part.name.ends_with(ending); });
  }
  for (ZipPart& part : parts) {
    if (part.name.ends_with(ending)) part.body = body;
  }
  return parts;
}

TEST_F(Pt2ArchiveTest, FindsModelConfigsAndRecordsUnderAnyRoot) {
  for (const char* root : {"net", "archive", "package"}) {
    const Pt2Archive archive = open(parts(root));
    EXPECT_EQ(archive.model(), "{\"model\": 3}");
    EXPECT_EQ(archive.weights_config(), "{\"config\": 1}");
    EXPECT_EQ(archive.constants_config(), "{\"config\": 2}");
    EXPECT_EQ(as_text(archive.record("weight_0", false)), "WEIGHT");
    EXPECT_EQ(as_text(archive.record("tensor_0", true)), "CONSTANT");
    EXPECT_EQ(archive.model_entry(), "models/model.json");
  }
}

/// Two tensors over one record of four floats.
std::string tensor_file() {
  const std::string floats = storage("FloatStorage", "0", 4);
  return saved(dict({{"w", parameter(tensor(floats, 0, {2, 2}, {2, 1}))}, {"v", tensor(floats, 1, {2}, {2})}}),
               {{"0", "ABCDEFGHIJKLMNOP"}});
}

void expect_pickled(const Pt2Archive& archive, bool constants) {
  const PayloadConfig payloads = read_payloads(archive, constants);
  ASSERT_EQ(payloads.size(), 2U);
  const PayloadMeta& v = payloads.at("v");
  EXPECT_EQ(v.path_name, "0");
  EXPECT_FALSE(v.is_parameter);
  EXPECT_EQ(v.tensor->dtype, scalar_type_of(DType::kF32));
  EXPECT_EQ(std::get<int64_t>(v.tensor->storage_offset), 1);
  EXPECT_EQ(std::get<int64_t>(v.tensor->strides.at(0)), 2);
  EXPECT_TRUE(payloads.at("w").is_parameter);
  EXPECT_EQ(as_text(archive.record("0", constants)), "ABCDEFGHIJKLMNOP");
}

TEST_F(Pt2ArchiveTest, ReadsTheFlatLayoutOfTorch27AndOlder) {
  const Pt2Archive archive = open({{.name = "serialized_exported_program.json", .body = "{\"model\": 3}"},
                                   {.name = "serialized_state_dict.pt", .body = tensor_file()},
                                   {.name = "serialized_constants.pt", .body = ""},
                                   {.name = "version", .body = "8.2"}});
  EXPECT_EQ(archive.model(), "{\"model\": 3}");
  EXPECT_EQ(archive.model_entry(), "serialized_exported_program.json");
  expect_pickled(archive, false);
  EXPECT_TRUE(read_payloads(archive, true).empty());
  expect_error("archive.missing", "\"0\"", [&] { archive.record("0", true); });
}

TEST_F(Pt2ArchiveTest, ReadsThePickledTensorsOfTorch28) {
  std::vector<ZipPart> torch28 = with(parts(), "_config.json", nullptr);
  torch28.push_back({.name = "net/data/weights/model.pt", .body = saved(proto() + "}.", {})});
  torch28.push_back({.name = "net/data/constants/model.pt", .body = tensor_file()});
  const Pt2Archive archive = open(torch28);
  EXPECT_TRUE(read_payloads(archive, false).empty());
  expect_pickled(archive, true);
}

TEST_F(Pt2ArchiveTest, NamesThePickleThatIsRefused) {
  const std::string bad = saved(proto() + global("builtins", "eval") + ".", {});
  expect_error("pickle.global", "serialized_state_dict.pt", [&] {
    open({{.name = "serialized_exported_program.json", .body = "{}"},
          {.name = "serialized_state_dict.pt", .body = bad}});
  });
}

TEST_F(Pt2ArchiveTest, KeepsRecordsAliveThroughTheFile) {
  std::shared_ptr<const void> file;
  std::span<const std::byte> record;
  {
    const Pt2Archive archive = open(parts());
    file = archive.file();
    record = archive.record("weight_0", false);
  }
  EXPECT_EQ(as_text(record), "WEIGHT");
}

TEST_F(Pt2ArchiveTest, AcceptsTheOlderNamesOfTheConfigs) {
  std::vector<ZipPart> older = parts();
  older[1].name = "net/data/weights/model_model_param_config.json";
  older[3].name = "net/data/constants/model_model_constants_config.json";
  const Pt2Archive archive = open(older);
  EXPECT_EQ(archive.weights_config(), "{\"config\": 1}");
  EXPECT_EQ(archive.constants_config(), "{\"config\": 2}");
}

TEST_F(Pt2ArchiveTest, LeavesAbsentConfigsEmpty) {
  const Pt2Archive archive = open(with(with(parts(), "_config.json", nullptr), "byteorder", nullptr));
  EXPECT_TRUE(archive.weights_config().empty());
  EXPECT_TRUE(archive.constants_config().empty());
}

TEST_F(Pt2ArchiveTest, ChoosesTheOnlyModelOrTheOneNamedModel) {
  std::vector<ZipPart> named = parts();
  named[4].name = "net/models/other.json";
  named[1].name = "net/data/weights/other_weights_config.json";
  EXPECT_EQ(open(named).model_entry(), "models/other.json");
  EXPECT_EQ(open(named).weights_config(), "{\"config\": 1}");
  named.push_back({.name = "net/models/model.json", .body = "{}"});
  EXPECT_EQ(open(named).model(), "{}");
  named.back().name = "net/models/third.json";
  refuse("other, third", named);
}

TEST_F(Pt2ArchiveTest, SaysWhatOtherFilesAreAndWhatToDo) {
  refuse("TorchScript", {{.name = "net/constants.pkl", .body = ""}, {.name = "net/data.pkl", .body = ""}});
  refuse("torch.save", {{.name = "net/data.pkl", .body = ""}, {.name = "net/byteorder", .body = "little"}});
  refuse("not an exported program", {{.name = "x.npy", .body = ""}});
  std::vector<ZipPart> compiled = with(parts(), "model.json", nullptr);
  refuse("holds no program", compiled);
  compiled.push_back({.name = "net/data/aotinductor/model/a.so", .body = ""});
  refuse("AOTInductor", compiled);
  put("text.pt2", "this is plain text, long enough to hold an end record");
  expect_error("pt2.layout", "text.pt2 is not an exported program", [&] { Pt2Archive::open(path("text.pt2")); });
}

TEST_F(Pt2ArchiveTest, RefusesBigEndianTensorsAndOtherFormats) {
  refuse("\"big\"-endian", with(parts(), "byteorder", "big"));
  refuse("format \"pt3\"", with(parts(), "archive_format", "pt3"));
  refuse("version \"1\"", with(parts(), "archive_version", "1"));
}

TEST_F(Pt2ArchiveTest, NamesARecordThatIsMissing) {
  const Pt2Archive archive = open(parts());
  expect_error("pt2.record", "data/weights/weight_9", [&] { archive.record("weight_9", false); });
  expect_error("pt2.record", "../weights", [&] { archive.record("../weights/weight_0", true); });
}

TEST_F(Pt2ArchiveTest, RefusesCompressedModels) {
  std::vector<ZipPart> packed = parts();
  packed[4] = deflated_part(packed[4].name, packed[4].body);
  expect_error("archive.compressed", "net.pt2", [&] { open(packed); });
}

TEST_F(Pt2ArchiveTest, RefusesAFileCutAnywhere) {
  const std::string whole = zip_bytes(parts());
  for (size_t step = 0; step < 50; ++step) {
    put("cut.pt2", whole.substr(0, whole.size() * step / 50));
    expect_any_error([&] { Pt2Archive::open(path("cut.pt2")); });
  }
  expect_error("file.missing", "nowhere.pt2", [&] { Pt2Archive::open(path("nowhere.pt2")); });
}

}  // namespace
}  // namespace graftwork::core::pt2
