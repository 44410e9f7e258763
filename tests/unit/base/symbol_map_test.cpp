#include "graftwork/base/symbol_map.h"

#include <gtest/gtest.h>

#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

TEST(SymbolMap, HoldsWhatWasSetAndTheDefaultElsewhere) {
  SymbolMap<int> map;
  std::vector<Symbol> names;
  for (int i = 0; i < 2000; ++i) names.emplace_back(cat("symbol_map_test.", i));
  EXPECT_EQ(map.get(names[1999]), 0);
  EXPECT_EQ(map.find(names[1999]), nullptr);
  for (size_t i = 0; i < names.size(); i += 3) map[names[i]] = static_cast<int>(i) + 1;
  for (size_t i = 0; i < names.size(); ++i) EXPECT_EQ(map.get(names[i]), i % 3 == 0 ? static_cast<int>(i) + 1 : 0) << i;
  ASSERT_NE(map.find(names[3]), nullptr);
  EXPECT_EQ(*map.find(names[3]), 4);
  EXPECT_EQ(map.get(Symbol()), 0);
}

TEST(SymbolMap, CopiesShareNothing) {
  SymbolMap<int> map;
  const Symbol name = "symbol_map_test.copied";
  map[name] = 1;
  SymbolMap<int> copy = map;
  copy[name] = 2;
  EXPECT_EQ(map.get(name), 1);
  map = copy;
  copy[name] = 3;
  EXPECT_EQ(map.get(name), 2);
}

}  // namespace
}  // namespace graftwork::core
