#include <bit>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/pickle/build.h"
#include "graftwork/import/pickle/globals.h"
#include "graftwork/import/pickle/pickle.h"

namespace graftwork::core::pickle {
namespace {

constexpr const char* kHint = "exporting the model again";

/// The opcodes that torch.save needs for tensors (Python's pickletools has the names).
enum class Op : uint8_t {
  kMark = '(',
  kStop = '.',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyTuple = ')',
  kEmptyList = ']',
  kEmptyDict = '}',
  kBinFloat = 'G',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kShortBinUnicode = 0x8c,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  Document read() {
    try {
      while (step()) {
      }
    } catch (Error& error) {
      throw error.at(cat("byte ", at_op_, " of the pickle"));
    }
    return std::move(document_);
  }

 private:
  // ---- bytes ---------------------------------------------------------------------------------------

  std::span<const std::byte> take(size_t count) {
    if (count > bytes_.size() - at_) throw Error("pickle.truncated", "the pickle ends in the middle of a value", kHint);
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string_view text(size_t count) {
    const auto bytes = take(count);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  std::string_view line() {
    const auto* begin = reinterpret_cast<const char*>(bytes_.data()) + at_;
    const auto* end = static_cast<const char*>(std::memchr(begin, '\n', bytes_.size() - at_));
    if (end == nullptr) throw Error("pickle.truncated", "the pickle ends in the middle of a name", kHint);
    const std::string_view found(begin, static_cast<size_t>(end - begin));
    at_ += found.size() + 1;
    return found;
  }

  // ---- stack ---------------------------------------------------------------------------------------

  [[noreturn]] static void fail(std::string message) { throw Error("pickle.format", std::move(message), kHint); }

  Ref make(Value value) {
    if (document_.values.size() >= kMaxValues) {
      throw Error("pickle.size", cat("the pickle makes more than ", kMaxValues, " values"), kHint);
    }
    document_.values.push_back(std::move(value));
    return static_cast<Ref>(document_.values.size() - 1);
  }

  void push(Value value) { push_ref(make(std::move(value))); }

  /// A value may be pushed again and again from the memo: the stack has the bound of the values.
  void push_ref(Ref ref) {
    if (stack_.size() >= kMaxValues) {
      throw Error("pickle.size", cat("the pickle stacks more than ", kMaxValues, " values"), kHint);
    }
    stack_.push_back(ref);
  }

  /// The lowest position that may be popped: what lies under the last mark belongs to someone else.
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  Ref pop() {
    const Ref ref = top();
    stack_.pop_back();
    return ref;
  }

  Ref top() const {
    if (stack_.size() <= floor()) fail("the pickle takes a value from an empty stack");
    return stack_.back();
  }

  /// Everything above the last mark, which goes with it.
  std::vector<Ref> pop_marked() {
    if (marks_.empty()) fail("the pickle closes what it did not open");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Ref> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }

  void push_tuple(size_t count) {
    std::vector<Ref> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    push(Tuple{std::move(items)});
  }

  template <class T>
  T& container(std::string_view what) {
    T* found = std::get_if<T>(&document_.values[top()]);
    if (found == nullptr) fail(cat("an item is put into something that is no ", what));
    return *found;
  }

  void append(const std::vector<Ref>& items) {
    auto& list = container<List>("list").items;
    list.insert(list.end(), items.begin(), items.end());
  }

  void set_items(const std::vector<Ref>& items) {
    if (items.size() % 2 != 0) fail("a dict is given a key without a value");
    auto& dict = container<Dict>("dict").items;
    for (size_t i = 0; i < items.size(); i += 2) dict.emplace_back(items[i], items[i + 1]);
  }

  void put(uint64_t slot) { memo_[slot] = top(); }

  void get(uint64_t slot) {
    const auto found = memo_.find(slot);
    if (found == memo_.end()) fail(cat("the pickle recalls value ", slot, ", which it did not remember"));
    push_ref(found->second);
  }

  // ---- opcodes -------------------------------------------------------------------------------------

  int64_t long1() {
    const size_t count = number<uint8_t>();
    if (count > sizeof(int64_t)) fail("an integer does not fit 64 bits");
    const auto bytes = take(count);
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) value |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
    if (count > 0 && count < 8 && std::to_integer<int>(bytes[count - 1]) >= 0x80) value |= ~uint64_t{0} << (8 * count);
    return static_cast<int64_t>(value);
  }

  double big_endian_double() {
    uint64_t value = 0;
    for (const std::byte byte : take(sizeof(double))) value = value << 8 | std::to_integer<uint64_t>(byte);
    return std::bit_cast<double>(value);
  }

  void global() {
    const std::string_view module = line();
    push(find_global(module, line()));
  }

  void stack_global() {
    const Ref name = pop();
    const auto* name_text = document_.get_if<std::string>(name);
    const auto* module_text = document_.get_if<std::string>(pop());
    if (name_text == nullptr || module_text == nullptr) fail("a name to import is no text");
    push(find_global(*module_text, *name_text));
  }

  void reduce() {
    const Ref arguments = pop();
    push(call(document_, pop(), arguments));
  }

  /// The attributes of an OrderedDict (`_metadata` of a state dict) say nothing about tensors.
  void build() {
    pop();
    if (!std::holds_alternative<Dict>(document_.values[top()])) fail("attributes are set on something that is no dict");
  }

  void protocol() {
    const int version = number<uint8_t>();
    if (at_ != 2 || version < 2 || version > 4) fail(cat("the pickle has protocol ", version, "; 2 to 4 are read"));
  }

  /// Frames only tell how much to read at once.
  void frame() {
    if (number<uint64_t>() > bytes_.size() - at_) {
      throw Error("pickle.truncated", "the pickle ends in the middle of a frame", kHint);
    }
  }

  /// False at the end.
  bool step() {
    at_op_ = at_;
    const auto code = number<uint8_t>();
    if (at_op_ == 0 && code != static_cast<uint8_t>(Op::kProto)) fail("this is no pickle");
    switch (static_cast<Op>(code)) {
      case Op::kProto:
        protocol();
        break;
      case Op::kFrame:
        frame();
        break;
      case Op::kMark:
        if (marks_.size() >= kMaxValues) throw Error("pickle.size", "the pickle opens too many brackets", kHint);
        marks_.push_back(stack_.size());
        break;
      case Op::kNone:
        push(None{});
        break;
      case Op::kNewTrue:
        push(true);
        break;
      case Op::kNewFalse:
        push(false);
        break;
      case Op::kBinInt:
        push(int64_t{number<int32_t>()});
        break;
      case Op::kBinInt1:
        push(int64_t{number<uint8_t>()});
        break;
      case Op::kBinInt2:
        push(int64_t{number<uint16_t>()});
        break;
      case Op::kLong1:
        push(long1());
        break;
      case Op::kBinFloat:
        push(big_endian_double());
        break;
      case Op::kBinUnicode:
        push(std::string(text(number<uint32_t>())));
        break;
      case Op::kShortBinUnicode:
        push(std::string(text(number<uint8_t>())));
        break;
      case Op::kEmptyTuple:
        push(Tuple{});
        break;
      case Op::kTuple1:
      case Op::kTuple2:
      case Op::kTuple3:
        push_tuple(code - static_cast<uint8_t>(Op::kTuple1) + size_t{1});
        break;
      case Op::kTuple:
        push(Tuple{pop_marked()});
        break;
      case Op::kEmptyList:
        push(List{});
        break;
      case Op::kEmptyDict:
        push(Dict{});
        break;
      case Op::kAppend:
        append({pop()});
        break;
      case Op::kAppends:
        append(pop_marked());
        break;
      case Op::kSetItem: {
        const Ref value = pop();
        const Ref key = pop();
        set_items({key, value});
        break;
      }
      case Op::kSetItems:
        set_items(pop_marked());
        break;
      case Op::kGlobal:
        global();
        break;
      case Op::kStackGlobal:
        stack_global();
        break;
      case Op::kReduce:
        reduce();
        break;
      case Op::kBuild:
        build();
        break;
      case Op::kBinPersId:
        push(storage(document_, pop()));
        break;
      case Op::kBinPut:
        put(number<uint8_t>());
        break;
      case Op::kLongBinPut:
        put(number<uint32_t>());
        break;
      case Op::kMemoize:
        put(memo_.size());
        break;
      case Op::kBinGet:
        get(number<uint8_t>());
        break;
      case Op::kLongBinGet:
        get(number<uint32_t>());
        break;
      case Op::kStop:
        document_.root = pop();
        if (!stack_.empty() || !marks_.empty()) fail("the pickle ends with values left over");
        return false;
      default:
        throw Error("pickle.opcode",
                    cat("the pickle holds the instruction ", static_cast<int>(code), ", which weights do not need"),
                    "exporting a model whose weights are plain tensors; a file from elsewhere may mean harm");
    }
    return true;
  }

  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  size_t at_op_ = 0;
  Document document_;
  std::vector<Ref> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, Ref> memo_;
};

}  // namespace

const Tensor* Document::tensor(Ref ref) const {
  const auto* found = get_if<std::unique_ptr<Tensor>>(ref);
  return found == nullptr ? nullptr : found->get();
}

Document read_pickle(std::span<const std::byte> bytes) { return Reader(bytes).read(); }

}  // namespace graftwork::core::pickle
