// What the tests of the readers share: bytes, folders of their own, and errors checked by code and words.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "graftwork/base/error.h"

namespace graftwork::core::testing {

inline std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

inline std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// `value` in little-endian order.
template <class T>
std::string little(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// Runs `body`, which must throw Error `code` with `words` in its report.
inline void expect_error(std::string_view code, std::string_view words, const std::function<void()>& body) {
  try {
    body();
    ADD_FAILURE() << "no error; expected " << code;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.report();
    EXPECT_NE(error.report().find(words), std::string::npos) << error.report();
  }
}

/// Runs `body`, which must throw some Error and nothing else.
inline void expect_any_error(const std::function<void()>& body) { EXPECT_THROW(body(), Error); }

/// An empty folder for each test.
class FolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) /
              (std::string("graftwork_") + info->test_suite_name() + "_" + info->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path path(std::string_view name) const { return folder_ / name; }

  std::filesystem::path put(std::string_view name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace graftwork::core::testing
