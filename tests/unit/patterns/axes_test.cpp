// Where data movement says that elements stand, against moving their places one by one.
#include "graftwork/patterns/attention/axes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <random>

#include "graftwork/base/text.h"
#include "support/networks.h"

namespace graftwork::core {
namespace {

using Shape = std::vector<int64_t>;

int64_t count_of(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

std::string list(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += cat(i ? ", " : "", shape[i]);
  return text + "]";
}

/// The coordinates of element `index`.
Shape place_of(int64_t index, const Shape& shape) {
  Shape place(shape.size());
  for (size_t dim = shape.size(); dim-- > 0; index /= shape[dim]) place[dim] = index % shape[dim];
  return place;
}

int64_t index_of(const Shape& place, const Shape& shape) {
  int64_t index = 0;
  for (size_t dim = 0; dim < shape.size(); ++dim) index = index * shape[dim] + place[dim];
  return index;
}

/// A value as the source's elements that it has.
struct Elements {
  Shape shape;
  std::vector<int64_t> source;

  static Elements of(const Shape& shape) {
    Elements all{shape, std::vector<int64_t>(static_cast<size_t>(count_of(shape)))};
    std::iota(all.source.begin(), all.source.end(), 0);
    return all;
  }

  Elements permuted(const std::vector<size_t>& dims) const {
    Elements result;
    for (const size_t dim : dims) result.shape.push_back(shape[dim]);
    for (int64_t i = 0; i < count_of(shape); ++i) {
      const Shape place = place_of(i, result.shape);
      Shape from(shape.size());
      for (size_t dim = 0; dim < dims.size(); ++dim) from[dims[dim]] = place[dim];
      result.source.push_back(source[static_cast<size_t>(index_of(from, shape))]);
    }
    return result;
  }

  Elements part(size_t dim, int64_t begin, int64_t count) const {
    Elements result{shape, {}};
    result.shape[dim] = count;
    for (int64_t i = 0; i < count_of(result.shape); ++i) {
      Shape place = place_of(i, result.shape);
      place[dim] += begin;
      result.source.push_back(source[static_cast<size_t>(index_of(place, shape))]);
    }
    return result;
  }

  Elements viewed(Shape as) const { return {std::move(as), source}; }

  Elements without(size_t dim) const {
    Elements result = *this;
    result.shape.erase(result.shape.begin() + static_cast<std::ptrdiff_t>(dim));
    return result;
  }
};

/// The elements that a layout speaks of.
Elements elements_of(const Layout& layout, const Shape& source) {
  Elements result;
  for (const std::vector<Axis>& axes : layout.dims) {
    int64_t extent = 1;
    for (const Axis& axis : axes) extent *= axis.extent.value();
    result.shape.push_back(extent);
  }
  for (int64_t i = 0; i < count_of(result.shape); ++i) {
    Shape place = place_of(i, result.shape), from = layout.offsets;
    for (size_t dim = 0; dim < layout.dims.size(); ++dim) {
      for (size_t axis = layout.dims[dim].size(); axis-- > 0;) {
        const Axis& at = layout.dims[dim][axis];
        from[at.source] += place[dim] % at.extent.value() * at.stride;
        place[dim] /= at.extent.value();
      }
    }
    result.source.push_back(index_of(from, source));
  }
  return result;
}

/// A chain of data movement, and the elements that each of its values has.
class Chain {
 public:
  explicit Chain(uint64_t seed) : random_(seed) {
    Shape shape;
    for (uint64_t dim = 0; dim < 2 + below(3); ++dim) shape.push_back(any_of({1, 2, 3, 4, 6, 8, 12}));
    source_ = shape;
    now_ = Elements::of(shape);
  }

  void run(size_t steps) {
    for (size_t i = 0; i < steps; ++i) step();
  }

  std::string text() const { return cat("graph(%x: f32", list(source_), ") {\n", text_, "  return %", name_, "\n}\n"); }
  const Shape& source() const { return source_; }
  const std::map<std::string, Elements>& values() const { return values_; }

 private:
  uint64_t below(uint64_t bound) { return random_() % bound; }
  int64_t any_of(const Shape& choices) { return choices[below(choices.size())]; }
  int64_t from_either_end(size_t dim) {
    return static_cast<int64_t>(dim) - (below(2) ? static_cast<int64_t>(now_.shape.size()) : 0);
  }

  void emit(Elements next, const std::string& call) {
    now_ = std::move(next);
    const std::string name = cat("v", values_.size());
    text_ += cat("  %", name, ": f32", list(now_.shape), " = ", call, "\n");
    name_ = name;
    values_[name] = now_;
  }

  /// A call that gives `parts` views along `dim`; the item is taken.
  void emit_item(Elements next, const std::string& types, const std::string& call, size_t item) {
    const std::string tuple = cat("t", values_.size());
    text_ += cat("  %", tuple, ": (", types, ") = ", call, "\n");
    emit(std::move(next), cat("get_item(%", tuple, ") {index=", item, "}"));
  }

  std::string on_it(const char* op) const { return cat("aten.", op, "(%", name_, ")"); }

  void view() {
    static const std::vector<const char*> kViews{"view.default", "_unsafe_view.default"};
    Shape shape = now_.shape;
    if (shape.size() > 1 && below(2)) {  // two dimensions become one
      const size_t dim = below(shape.size() - 1);
      shape[dim] *= shape[dim + 1];
      shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(dim) + 1);
    } else if (!shape.empty()) {  // one becomes two
      const size_t dim = below(shape.size());
      Shape divisors;
      for (int64_t divisor = 1; divisor <= shape[dim]; ++divisor) {
        if (shape[dim] % divisor == 0) divisors.push_back(divisor);
      }
      const int64_t inner = any_of(divisors);
      shape[dim] /= inner;
      shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(dim) + 1, inner);
    }
    if (below(3) == 0) return emit(now_.viewed(shape), cat(on_it("reshape.default"), " {shape=", list(shape), "}"));
    emit(now_.viewed(shape), cat(on_it(kViews[below(2)]), " {size=", list(shape), "}"));
  }

  void turn() {
    std::vector<size_t> dims(now_.shape.size());
    std::iota(dims.begin(), dims.end(), 0);
    if (dims.size() > 1 && below(2)) {
      const size_t a = below(dims.size()), b = below(dims.size());
      const std::string attrs = cat(" {dim0=", from_either_end(a), ", dim1=", from_either_end(b), "}");
      std::swap(dims[a], dims[b]);
      return emit(now_.permuted(dims), on_it("transpose.int") + attrs);
    }
    std::shuffle(dims.begin(), dims.end(), random_);
    Shape axes;
    for (const size_t dim : dims) axes.push_back(from_either_end(dim));
    emit(now_.permuted(dims), cat(on_it("permute.default"), " {dims=", list(axes), "}"));
  }

  void take(size_t dim) {
    const int64_t extent = now_.shape[dim];
    const auto index = static_cast<int64_t>(below(static_cast<uint64_t>(extent)));
    const Elements one = now_.part(dim, index, 1).without(dim);
    if (below(2)) return emit(one, cat(on_it("select.int"), " {dim=", from_either_end(dim), ", index=", index, "}"));
    std::string types;
    for (int64_t i = 0; i < extent; ++i) types += cat(i ? ", " : "", "f32", list(one.shape));
    emit_item(one, types, cat(on_it("unbind.int"), " {dim=", from_either_end(dim), "}"), static_cast<size_t>(index));
  }

  void cut(size_t dim) {
    const int64_t extent = now_.shape[dim];
    const auto begin = static_cast<int64_t>(below(static_cast<uint64_t>(extent)));
    const int64_t count = 1 + static_cast<int64_t>(below(static_cast<uint64_t>(extent - begin)));
    const int64_t start = begin - (begin && below(2) ? extent : 0);
    const bool to_the_end = begin + count == extent && below(2);
    emit(now_.part(dim, begin, count), cat(on_it("slice.Tensor"), " {dim=", from_either_end(dim), ", start=", start,
                                           to_the_end ? "}" : cat(", end=", begin + count, "}")));
  }

  void split(size_t dim) {
    const int64_t extent = now_.shape[dim];
    const auto size = 1 + static_cast<int64_t>(below(static_cast<uint64_t>(extent)));
    Shape sizes;
    for (int64_t left = extent; left > 0; left -= sizes.back()) sizes.push_back(std::min(size, left));
    const size_t item = below(sizes.size());
    const Elements part = now_.part(dim, static_cast<int64_t>(item) * size, sizes[item]);
    std::string types;
    for (const int64_t one : sizes) {
      Shape shape = now_.shape;
      shape[dim] = one;
      types += cat(types.empty() ? "" : ", ", "f32", list(shape));
    }
    const std::string attrs = cat(", dim=", from_either_end(dim), "}");
    const auto chunks = static_cast<int64_t>(sizes.size());
    if ((extent + chunks - 1) / chunks == size && below(2))
      return emit_item(part, types, cat(on_it("chunk.default"), " {chunks=", chunks, attrs), item);
    if (below(2)) return emit_item(part, types, cat(on_it("split.Tensor"), " {split_size=", size, attrs), item);
    emit_item(part, types, cat(on_it("split_with_sizes.default"), " {split_sizes=", list(sizes), attrs), item);
  }

  void step() {
    if (now_.shape.empty()) return;
    const size_t dim = below(now_.shape.size());
    Shape shape = now_.shape;
    switch (below(8)) {
      case 0:
        return turn();
      case 1:
        if (now_.shape.size() < 3) return view();
        return take(dim);
      case 2:
        return cut(dim);
      case 3:
        return split(dim);
      case 4: {
        const size_t at = below(shape.size() + 1);
        shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(at), 1);
        return emit(now_.viewed(shape), cat(on_it("unsqueeze.default"), " {dim=", at, "}"));
      }
      case 5:
        if (shape.size() < 2 || shape[dim] != 1) return turn();
        shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(dim));
        return emit(now_.viewed(shape), cat(on_it("squeeze.dim"), " {dim=", from_either_end(dim), "}"));
      case 6:
        return emit(now_, on_it(below(2) ? "clone.default" : "contiguous.default"));
      default:
        return view();
    }
  }

  std::mt19937_64 random_;
  Shape source_;
  Elements now_;
  std::string name_ = "x";
  std::string text_;
  std::map<std::string, Elements> values_;
};

TEST(Axes, AreWhereTheElementsAre) {
  size_t known = 0, values = 0;
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Chain chain(seed);
    chain.run(1 + seed % 9);
    const GraphModule module = testing::parse_network(chain.text());
    std::optional<Layout> layout = Layout::of(*module.graph().inputs()[0]->tensor());
    for (const Node& node : module.graph().nodes()) {
      const auto expected = chain.values().find(node.name().str());
      if (expected == chain.values().end()) continue;
      EXPECT_TRUE(moves_data(node)) << node.op().str();
      ++values;
      layout = layout ? moved(node, *layout) : std::nullopt;
      if (!layout) continue;
      ++known;
      const Elements found = elements_of(*layout, chain.source());
      ASSERT_EQ(found.shape, expected->second.shape) << "%" << node.name().str() << " of\n" << chain.text();
      ASSERT_EQ(found.source, expected->second.source) << "%" << node.name().str() << " of\n" << chain.text();
    }
  }
  EXPECT_GT(known * 4, values * 3) << "what is only moved is known, but for views and parts across dimensions";
}

/// The layout of the last value of these statements on %x; nothing once one is not known.
std::optional<Layout> layout_behind(const std::string& input, const std::string& statements) {
  const GraphModule module = testing::parse_network("graph(%x: " + input + ") {\n" + statements + "\n  return %x\n}\n");
  std::optional<Layout> layout = Layout::of(*module.graph().inputs()[0]->tensor());
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() == NodeKind::kInput || !node.tensor()) continue;
    layout = layout ? moved(node, *layout) : std::nullopt;
  }
  return layout;
}

TEST(Axes, HaveExtentsThatAreKnownAtRunTimeOnly) {
  const Dim batch = Dim::symbol("s0"), tokens = Dim::symbol("s1");
  const auto rows = layout_behind("f32[s0, s1, 24]",
                                  "  %n: int = aten.sym_size.int(%x) {dim=0}\n"
                                  "  %a: f32[s0, s1, 4, 6] = aten.view.default(%x, %n) {size=[$1, -1, 4, 6]}");
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->dims,
            (std::vector<std::vector<Axis>>{{{0, 1, batch}}, {{1, 1, tokens}}, {{2, 6, Dim(4)}}, {{2, 1, Dim(6)}}}));
  const auto split = layout_behind("f32[6*s0, 3]",
                                   "  %n: int = aten.sym_size.int(%x) {dim=0}\n"
                                   "  %a = aten.view.default(%x) {size=[-1, 6, 3]}\n"
                                   "  %b = aten.transpose.int(%a) {dim0=0, dim1=1}");
  ASSERT_TRUE(split);
  EXPECT_EQ(split->dims, (std::vector<std::vector<Axis>>{{{0, 1, Dim(6)}}, {{0, 6, batch}}, {{1, 1, Dim(3)}}}));
  EXPECT_FALSE(layout_behind("f32[6*s0, 3]", "  %a = aten.view.default(%x) {size=[2, -1, 3]}"))
      << "places are s0 apart";
  const auto windows = layout_behind("f32[12*s0, 16, 4]", "  %a = aten.view.default(%x) {size=[-1, 12, 16, 4]}");
  ASSERT_TRUE(windows);
  EXPECT_EQ(windows->dims,
            (std::vector<std::vector<Axis>>{{{0, 12, batch}}, {{0, 1, Dim(12)}}, {{1, 1, Dim(16)}}, {{2, 1, Dim(4)}}}));
  EXPECT_FALSE(layout_behind("f32[10*s0, 16, 4]",
                             "  %n: int = aten.sym_size.int(%x) {dim=0}\n"
                             "  %a: f32[s0, 12, 16, 4] = aten.view.default(%x, %n) {size=[$1, "
                             "12, 16, 4]}"))
      << "its type does not fit";
  const auto heads = layout_behind("f32[s0, s1, 24]",
                                   "  %a = aten.unflatten.int(%x) {dim=-1, sizes=[3, 2, 4]}\n"
                                   "  %b = aten.permute.default(%a) {dims=[2, 0, 3, 1, 4]}\n"
                                   "  %k = aten.select.int(%b) {dim=0, index=1}");
  ASSERT_TRUE(heads);
  EXPECT_EQ(heads->dims,
            (std::vector<std::vector<Axis>>{{{0, 1, batch}}, {{2, 4, Dim(2)}}, {{1, 1, tokens}}, {{2, 1, Dim(4)}}}));
  EXPECT_EQ(heads->offsets, (std::vector<int64_t>{0, 0, 8}));
}

TEST(Axes, AreNotKnownOfOtherOperators) {
  const std::string x = "f32[2, 3, 4]";
  EXPECT_FALSE(layout_behind(x, "  %a = aten.neg.default(%x)"));
  EXPECT_FALSE(layout_behind(x, "  %a = aten.expand.default(%x) {size=[2, 3, 4]}"));
  EXPECT_FALSE(layout_behind(x, "  %a = aten.slice.Tensor(%x) {dim=2, start=0, end=4, step=2}")) << "steps";
  EXPECT_FALSE(layout_behind(x, "  %a = aten.select.int(%x) {dim=1, index=-1}")) << "from the end";
  EXPECT_FALSE(layout_behind(x, "  %a = aten.view.default(%x) {size=[3, 2, 4]}")) << "across dimensions";
  EXPECT_TRUE(layout_behind(x, "  %a = aten.view.default(%x) {size=[6, 4]}"));
  EXPECT_FALSE(layout_behind(x,
                             "  %a = aten.view.default(%x) {size=[24]}\n"
                             "  %b = aten.slice.Tensor(%a) {dim=0, start=1, end=5}"));
}

}  // namespace
}  // namespace graftwork::core
