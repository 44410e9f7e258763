#include "graftwork/base/file_name.h"

#include <gtest/gtest.h>

namespace graftwork::core {
namespace {

TEST(FileName, OrdinaryNamesStay) {
  for (const char* const name : {"x", "conv1.weight", "layer_1.0.relu", ".hidden", "a b", "größe", "入力", ""})
    EXPECT_EQ(file_name(name), name);
}

TEST(FileName, WhatLeadsElsewhereOrIsNotSeenIsBytes) {
  EXPECT_EQ(file_name("../../tmp/evil"), "..%2f..%2ftmp%2fevil");
  EXPECT_EQ(file_name(".."), "%2e%2e");
  EXPECT_EQ(file_name("."), "%2e");
  EXPECT_EQ(file_name("C:\\x"), "C%3a%5cx");
  EXPECT_EQ(file_name(std::string_view("a\0b\n\x1b", 5)), "a%00b%0a%1b");
  EXPECT_EQ(file_name("\u202egnp.exe"), "%e2%80%aegnp.exe");
  EXPECT_EQ(file_name("\xff\xc3"), "%ff%c3");
  EXPECT_EQ(file_name("\xc3("), "%c3%28");
}

TEST(FileName, DifferentNamesStayDifferent) { EXPECT_EQ(file_name("a%2fb"), "a%252fb"); }

}  // namespace
}  // namespace graftwork::core
