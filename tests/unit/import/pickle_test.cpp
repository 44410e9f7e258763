// Pickles of tensors: what torch.save writes is read, and nothing else is.
#include "graftwork/import/pickle/pickle.h"

#include <gtest/gtest.h>

#include <random>

#include "graftwork/import/pickle/tensor_file.h"
#include "unit/import/pickle_bytes.h"

namespace graftwork::core::pickle {
namespace {

using namespace graftwork::core::testing;

Document read(const std::string& bytes) { return read_pickle(as_bytes(bytes)); }

void refuse(std::string_view code, std::string_view words, const std::string& bytes) {
  expect_error(code, words, [&] { read(bytes); });
}

template <class T>
T root(const std::string& bytes) {
  const Document document = read(bytes);
  const T* value = document.get_if<T>(document.root);
  if (value == nullptr) throw std::runtime_error("another kind of value");
  return *value;
}

TEST(Pickle, ReadsEveryKindOfValue) {
  EXPECT_EQ(root<int64_t>(proto() + integer(-7) + "."), -7);
  EXPECT_EQ(root<int64_t>(proto() + "K\xff."), 255);
  EXPECT_EQ(root<int64_t>(proto() + "M\x01\x02."), 0x0201);
  EXPECT_EQ(root<int64_t>(proto() + op(0x8a) + op(0) + "."), 0);
  EXPECT_EQ(root<int64_t>(proto() + op(0x8a) + op(2) + "\xfe\xff."), -2);
  EXPECT_EQ(root<int64_t>(proto() + op(0x8a) + op(5) + std::string("\0\0\0\0\x01.", 6)), int64_t{1} << 32);
  EXPECT_EQ(root<double>(proto() + "G" + std::string("\x3f\xf8\0\0\0\0\0\0.", 9)), 1.5);
  EXPECT_TRUE(root<bool>(proto() + flag(true) + "."));
  EXPECT_EQ(root<std::string>(proto() + text("weight") + "."), "weight");
  EXPECT_EQ(root<std::string>(proto(4) + op(0x95) + little<uint64_t>(6) + op(0x8c) + op(2) + "ab" + op(0x94) + "."),
            "ab");
  EXPECT_EQ(root<Tuple>(proto() + "K\1K\2" + op(0x86) + ".").items.size(), 2U);
  EXPECT_EQ(root<List>(proto() + "](K\1K\2K\3eK\4a.").items.size(), 4U);
  EXPECT_EQ(root<Dict>(proto() + "}(" + text("a") + "K\1" + text("b") + "K\2u" + text("c") + "K\3s.").items.size(), 3U);
  root<None>(proto() + "N.");
}

TEST(Pickle, RecallsWhatItRemembered) {
  const Document document = read(proto() + "(" + text("a") + "q" + op(7) + "r" + little<uint32_t>(70000) + "h" + op(7) +
                                 "j" + little<uint32_t>(70000) + "t.");
  const auto* tuple = document.get_if<Tuple>(document.root);
  ASSERT_NE(tuple, nullptr);
  EXPECT_EQ(tuple->items, std::vector<Ref>(3, tuple->items.at(0)));
}

TEST(Pickle, AListMayHoldItself) {
  const Document document = read(proto() + "]q" + op(0) + "h" + op(0) + "a.");
  EXPECT_EQ(document.get_if<List>(document.root)->items, std::vector<Ref>{document.root});
}

TEST(Pickle, ReadsAStateDictAndDropsItsAttributes) {
  const std::string weight = parameter(tensor(storage("FloatStorage", "3", 20), 2, {3, 4}, {4, 1}));
  const Document document =
      read(proto() + ordered_dict() + "(" + text("fc.weight") + weight + "u}" + text("_metadata") + "Nsb.");
  const auto* dict = document.get_if<Dict>(document.root);
  ASSERT_NE(dict, nullptr);
  ASSERT_EQ(dict->items.size(), 1U);
  EXPECT_EQ(*document.get_if<std::string>(dict->items[0].first), "fc.weight");
  const Tensor* tensor = document.tensor(dict->items[0].second);
  ASSERT_NE(tensor, nullptr);
  EXPECT_TRUE(tensor->is_parameter);
  EXPECT_TRUE(tensor->requires_grad);
  EXPECT_EQ(tensor->offset, 2);
  EXPECT_EQ(tensor->sizes, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(tensor->strides, (std::vector<int64_t>{4, 1}));
  EXPECT_EQ(document.get_if<Storage>(tensor->storage)->key, "3");
}

TEST(Pickle, ReadsTensorsOverBytes) {
  const std::string typed =
      global("torch._utils", "_rebuild_tensor_v3") +
      tuple({tuple({text("storage"), global("torch.storage", "UntypedStorage"), text("0"), text("cpu"), integer(6)}) +
                 "Q",
             integer(0), shape({2, 3}), shape({3, 1}), flag(false), ordered_dict(), global("torch", "float8_e4m3fn")}) +
      "R";
  const Document document = read(proto() + typed + ".");
  EXPECT_EQ(document.tensor(document.root)->element_type, "float8_e4m3fn");
}

TEST(Pickle, RefusesEveryOtherNameByName) {
  refuse("pickle.global", "the weights name builtins.eval, which is not allowed",
         proto() + global("builtins", "eval") + tuple({text("1")}) + "R.");
  refuse("pickle.global", "os.system", proto(4) + text("os") + text("system") + op(0x93) + ".");
  refuse("pickle.global", "torch._utils._rebuild_qtensor", proto() + global("torch._utils", "_rebuild_qtensor") + ".");
  refuse("pickle.global", "torch.load", proto() + global("torch", "load") + ".");
  refuse("pickle.global", "collections.OrderedDict.__init__",
         proto() + global("collections", "OrderedDict.__init__") + ".");
  refuse("pickle.global", "\\n", proto(4) + text("a") + text("b\nc") + op(0x93) + ".");
}

TEST(Pickle, RefusesEveryOtherInstruction) {
  // INST, OBJ, NEWOBJ, EXT1, the text forms of protocol 0, out-of-band buffers: none of them makes tensors.
  for (const int code : std::initializer_list<int>{'i', 'o', 0x81, 0x82, 'P', 'S', 'I', 'L', 'V', 'd', 'l', '0', '1',
                                                   '2', 0x92, 0x97, 0x98}) {
    refuse("pickle.opcode", "which weights do not need", proto() + op(code) + ".");
  }
  refuse("pickle.format", "no pickle", "\x81\x02.");
  refuse("pickle.format", "protocol 5", proto(5) + "N.");
  refuse("pickle.format", "protocol 2", proto() + proto() + "N.");
}

TEST(Pickle, RefusesBrokenStacksAndOperands) {
  refuse("pickle.format", "empty stack", proto() + ".");
  refuse("pickle.format", "empty stack", proto() + "N(" + op(0x85) + ".");  // not below the mark
  refuse("pickle.format", "did not open", proto() + "Nt.");
  refuse("pickle.format", "left over", proto() + "NN.");
  refuse("pickle.format", "left over", proto() + "N(N.");
  refuse("pickle.format", "did not remember", proto() + "h\3.");
  refuse("pickle.format", "no dict", proto() + "]K\1K\2s.");
  refuse("pickle.format", "no list", proto() + "}K\1a.");
  refuse("pickle.format", "without a value", proto() + "}(K\1u.");
  refuse("pickle.format", "64 bits", proto() + op(0x8a) + op(9) + "123456789.");
  refuse("pickle.format", "cannot be called", proto() + text("f") + ")R.");
  refuse("pickle.format", "no tuple", proto() + global("collections", "OrderedDict") + "NR.");
  refuse("pickle.format", "with arguments", proto() + global("collections", "OrderedDict") + "N" + op(0x85) + "R.");
  refuse("pickle.format", "attributes", proto() + "]Nb.");
  refuse("pickle.format", "no text", proto() + "NNN" + op(0x93) + ".");
  refuse("pickle.format", "byte 3", proto() + "Nt.");
}

TEST(Pickle, RefusesTensorsThatLieAboutTheirStorage) {
  const std::string floats = storage("FloatStorage", "0", 12);
  const auto one = [&](const std::string& made) { return proto() + made + "."; };
  read(one(tensor(floats, 0, {3, 4}, {4, 1})));
  read(one(tensor(floats, 11, {1}, {5})));
  read(one(tensor(floats, 12, {0, 4}, {4, 1})));
  read(one(tensor(floats, 0, {1000, 1000}, {0, 0})));  // an expanded number
  refuse("pickle.format", "beyond its storage", one(tensor(floats, 1, {3, 4}, {4, 1})));
  refuse("pickle.format", "beyond its storage", one(tensor(floats, 0, {2}, {12})));
  refuse("pickle.format", "beyond its storage",
         one(tensor(floats, 0, {2147483647, 2147483647, 2147483647}, {2147483647, 2147483647, 2147483647})));
  refuse("pickle.format", "before its storage", one(tensor(floats, -1, {1}, {1})));
  refuse("pickle.format", "no shape", one(tensor(floats, 0, {-1}, {1})));
  refuse("pickle.format", "no shape", one(tensor(floats, 5, {2}, {-1})));
  refuse("pickle.format", "number of strides", one(tensor(floats, 0, {3, 4}, {4})));
  refuse("pickle.format", "too many dimensions",
         one(tensor(floats, 0, std::vector<int32_t>(65, 1), std::vector<int32_t>(65, 1))));
  refuse("pickle.format", "negative size", one(tensor(storage("FloatStorage", "0", -1), 0, {1}, {1})));
  refuse("pickle.format", "element type", one(tensor(storage("UntypedStorage", "0", 12), 0, {1}, {1})));
  refuse("pickle.format", "wrong kind", one(tensor(text("storage"), 0, {1}, {1})));
  refuse("pickle.format", "instead of 3", proto() + global("torch._utils", "_rebuild_parameter") + ")R.");
  refuse("pickle.format", "too long a key", one(storage("FloatStorage", std::string(65, '0'), 1)));
}

TEST(Pickle, EveryPrefixIsRefused) {
  const std::string whole = dict({{"a", parameter(tensor(storage("FloatStorage", "0", 4), 0, {4}, {1}))},
                                  {"b", tensor(storage("LongStorage", "1", 1), 0, {}, {})}});
  read(whole);
  for (size_t size = 0; size < whole.size(); ++size) expect_any_error([&] { read(whole.substr(0, size)); });
}

TEST(Pickle, DamageNeverDoesMoreThanThrow) {
  const std::string whole = dict({{"a", parameter(tensor(storage("FloatStorage", "0", 4), 0, {4}, {1}))}});
  std::mt19937 random(0);
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = whole;
    for (int i = 0; i < 1 + round % 4; ++i) damaged[random() % damaged.size()] = static_cast<char>(random() % 256);
    try {
      read(damaged);
    } catch (const Error& error) {
      EXPECT_EQ(error.code().rfind("pickle.", 0), 0U) << error.report();
    }
  }
}

TEST(Pickle, BoundsWhatAFileCanMakeOfItsBytes) {
  refuse("pickle.size", "values", proto() + std::string(kMaxValues + 1, 'N') + ".");
  refuse("pickle.size", "brackets", proto() + std::string(kMaxValues + 1, '(') + ".");
}

}  // namespace
}  // namespace graftwork::core::pickle

namespace graftwork::core::testing {
namespace {

class TensorFileTest : public ::testing::Test {
 protected:
  TensorFile open(const std::string& bytes) {
    bytes_ = bytes;
    return {as_bytes(bytes_), nullptr, "weights.pt"};
  }
  void refuse(std::string_view code, std::string_view words, const std::string& bytes) {
    expect_error(code, words, [&] { open(bytes); });
  }

 private:
  std::string bytes_;
};

TEST_F(TensorFileTest, FindsTensorsAndTheirRecords) {
  const std::string shared = storage("HalfStorage", "0", 4);
  const TensorFile file = open(saved(
      dict({{"b", tensor(shared, 0, {4}, {1})}, {"a", parameter(tensor(shared, 1, {2}, {2}))}}), {{"0", "12345678"}}));
  ASSERT_EQ(file.tensors().size(), 2U);
  const StoredTensor& a = file.tensors().at("a");
  EXPECT_EQ(a.key, "0");
  EXPECT_EQ(a.element, "HalfStorage");
  EXPECT_EQ(a.offset, 1);
  EXPECT_EQ(a.sizes, std::vector<int64_t>{2});
  EXPECT_EQ(a.strides, std::vector<int64_t>{2});
  EXPECT_TRUE(a.is_parameter);
  EXPECT_FALSE(file.tensors().at("b").is_parameter);
  EXPECT_EQ(as_text(file.record("0")), "12345678");
  expect_error("archive.missing", "data/7", [&] { file.record("7"); });
}

TEST_F(TensorFileTest, NoBytesAreNoTensors) {
  EXPECT_TRUE(open("").tensors().empty());
  EXPECT_TRUE(open(saved(proto() + "}.", {})).tensors().empty());
}

TEST_F(TensorFileTest, RefusesOtherContents) {
  refuse("pickle.contents", "dict of tensors", saved(proto() + "].", {}));
  refuse("pickle.contents", "\"a\" is no tensor", saved(dict({{"a", "K\1"}}), {}));
  refuse("pickle.contents", "no text", saved(proto() + "}K\1Ns.", {}));
  refuse("pickle.contents", "\"big\"-endian", saved(proto() + "}.", {}, "big"));
  refuse("pickle.contents", "data.pkl", zip_bytes({{.name = "a/b", .body = "c"}}));
  refuse("archive.format", "weights.pt", "plain text that is long enough to hold an end record");
  refuse("pickle.global", "weights.pt", saved(proto() + global("posix", "system") + ".", {}));
}

}  // namespace
}  // namespace graftwork::core::testing
