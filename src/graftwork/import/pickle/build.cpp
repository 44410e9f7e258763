#include "graftwork/import/pickle/build.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core::pickle {
namespace {

constexpr size_t kMaxRank = 64;
/// torch numbers the records.
constexpr size_t kMaxKeySize = 64;

[[noreturn]] void fail(std::string message) {
  throw Error("pickle.format", std::move(message), "exporting the model again");
}

/// The arguments of one call, read by position.
class Arguments {
 public:
  Arguments(const Document& document, Ref tuple, std::string_view what, size_t least)
      : document_(document), what_(what) {
    const auto* arguments = document.get_if<Tuple>(tuple);
    if (arguments == nullptr) fail(cat(what, " is called with something that is no tuple"));
    if (arguments->items.size() < least) {
      fail(cat(what, " is called with ", counted(arguments->items.size(), "argument"), " instead of ", least));
    }
    items_ = &arguments->items;
  }

  template <class T>
  const T& get(size_t position) const {
    const T* value = document_.get_if<T>(items_->at(position));
    if (value == nullptr) fail(cat("argument ", position, " of ", what_, " is of the wrong kind"));
    return *value;
  }

  Ref ref(size_t position) const { return items_->at(position); }
  size_t size() const { return items_->size(); }

  /// A tuple that is copied: bounded, or a file could recall one large tuple again and again.
  const Tuple& shape(size_t position) const {
    const auto& tuple = get<Tuple>(position);
    if (tuple.items.size() > kMaxRank) fail(cat("argument ", position, " of ", what_, " has too many dimensions"));
    return tuple;
  }

  /// A shape of integers that are not negative.
  std::vector<int64_t> lengths(size_t position) const {
    std::vector<int64_t> numbers;
    for (const Ref item : shape(position).items) {
      const auto* number = document_.get_if<int64_t>(item);
      if (number == nullptr || *number < 0) fail(cat("argument ", position, " of ", what_, " is no shape"));
      numbers.push_back(*number);
    }
    return numbers;
  }

 private:
  const Document& document_;
  std::string_view what_;
  const std::vector<Ref>* items_ = nullptr;
};

/// Whether the tensor lies within its storage. Everything is counted in elements.
bool fits(const Tensor& tensor, int64_t count) {
  int64_t last = tensor.offset;
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    if (tensor.sizes[i] == 0) return tensor.offset <= count;
    int64_t span = 0;
    if (__builtin_mul_overflow(tensor.sizes[i] - 1, tensor.strides[i], &span) ||
        __builtin_add_overflow(last, span, &last)) {
      return false;
    }
  }
  return last < count;
}

Value tensor(const Document& document, Ref arguments, bool typed) {
  const Arguments given(document, arguments, "a tensor", typed ? 7 : 5);
  auto made = std::make_unique<Tensor>();
  const auto& over = given.get<Storage>(0);
  made->storage = given.ref(0);
  made->offset = given.get<int64_t>(1);
  made->sizes = given.lengths(2);
  made->strides = given.lengths(3);
  made->requires_grad = given.get<bool>(4);
  if (typed) made->element_type = given.get<ElementType>(6).name;
  if (typed != (over.type == "UntypedStorage")) fail("a tensor and its storage disagree about the element type");
  if (made->sizes.size() != made->strides.size()) fail("a tensor has another number of strides than dimensions");
  if (made->offset < 0) fail("a tensor begins before its storage");
  // An untyped storage counts bytes: that is checked where the element's width is known.
  if (!typed && !fits(*made, over.count)) {
    fail(cat("a tensor reaches beyond its storage of ", counted(static_cast<size_t>(over.count), "element")));
  }
  return made;
}

Value parameter(const Document& document, Ref arguments) {
  const Arguments given(document, arguments, "a parameter", 3);
  auto made = std::make_unique<Tensor>(*given.get<std::unique_ptr<Tensor>>(0));
  made->requires_grad = given.get<bool>(1);
  made->is_parameter = true;
  return made;
}

}  // namespace

Value call(const Document& document, Ref function, Ref arguments) {
  const auto* callable = document.get_if<Callable>(function);
  if (callable == nullptr) fail("something that cannot be called is called");
  switch (*callable) {
    case Callable::kOrderedDict: {
      if (Arguments(document, arguments, "an OrderedDict", 0).size() != 0)
        fail("an OrderedDict is made with arguments");
      return Dict{};
    }
    case Callable::kSize: {
      const Arguments given(document, arguments, "a Size", 1);
      return given.shape(0);
    }
    case Callable::kTensor:
    case Callable::kTypedTensor:
      return tensor(document, arguments, *callable == Callable::kTypedTensor);
    case Callable::kParameter:
    case Callable::kParameterWith:
      return parameter(document, arguments);
  }
  fail("something that cannot be called is called");
}

Value storage(const Document& document, Ref id) {
  const Arguments given(document, id, "a storage", 5);
  if (given.get<std::string>(0) != "storage") fail("a persistent id names no storage");
  const auto& key = given.get<std::string>(2);
  if (key.size() > kMaxKeySize) fail("a storage has too long a key");
  const Storage made{.type = given.get<StorageType>(1).name, .key = key, .count = given.get<int64_t>(4)};
  if (made.count < 0) fail("a storage has a negative size");
  return made;
}

}  // namespace graftwork::core::pickle
