// What a program keeps for itself in an .npz file.
#include "graftwork/data/array_record.h"

#include <array>

#include "graftwork/data/npz.h"
#include "unit/archive/zip_bytes.h"

namespace graftwork::core {
namespace {

using namespace testing;

class ArrayRecordTest : public FolderTest {
 protected:
  ArrayRecord written() const {
    const std::array arrays{text_array("name", std::string_view("a\0b", 3)), text_array("empty", ""),
                            number_array("numbers", DType::kF64, std::vector{1.5, -0.0, 1e300}),
                            NamedArray{"scalar", make_array(DType::kU8, {}, {std::byte{7}})}};
    write_npz(path("r.npz"), arrays);
    return ArrayRecord(path("r.npz"));
  }
};

TEST_F(ArrayRecordTest, GivesBackWhatWasWritten) {
  const ArrayRecord record = written();
  EXPECT_EQ(record.text("name"), std::string("a\0b", 3));
  EXPECT_EQ(record.text("empty"), "");
  EXPECT_EQ(record.numbers<double>("numbers", DType::kF64), (std::vector{1.5, -0.0, 1e300}));
  ASSERT_NE(record.find("scalar"), nullptr);
  EXPECT_EQ(record.find("scalar")->bytes[0], std::byte{7});
  EXPECT_EQ(record.arrays().size(), 4U);
}

TEST_F(ArrayRecordTest, WhatIsMissingOrOfAnotherFormIsNothing) {
  const ArrayRecord record = written();
  EXPECT_EQ(record.find("other"), nullptr);
  EXPECT_EQ(record.text("other"), std::nullopt);
  EXPECT_EQ(record.text("numbers"), std::nullopt) << "another type";
  EXPECT_EQ(record.text("scalar"), std::nullopt) << "another rank";
  EXPECT_EQ(record.numbers<double>("name", DType::kF64), std::nullopt);
}

}  // namespace
}  // namespace graftwork::core
