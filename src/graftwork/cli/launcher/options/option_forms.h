// The forms that options take, and how a wrong one is refused.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace graftwork::core::cli {

/// Upper bound of counts: it catches slips and what overflowed while it was read, and limits no one.
inline constexpr int64_t kLargestCount = 1'000'000'000'000;

/// Throws Error "usage", which leads to the help of the subcommand, or of the command.
[[noreturn]] void refuse(const CLI::App& app, const std::string& what);

CLI::Option* add_path(CLI::App& app, const std::string& name, std::filesystem::path& path, const std::string& text);

/// An option that may come several times, with one value each.
CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<std::string>& values, const std::string& type,
                      const std::string& text);

/// A whole number from `least` on.
template <class Number>
CLI::Option* add_count(CLI::App& app, const std::string& name, Number& count, int64_t least, const std::string& text) {
  return app.add_option(name, count, text)
      ->check(CLI::Range(least, kLargestCount, std::to_string(least) + " or more"))
      ->type_name("N");
}

/// A number of bytes: 1000000, 500MB, 8 GB, 8GiB.
CLI::Option* add_size(CLI::App& app, const std::string& name, int64_t& bytes, const std::string& text);

/// An option that takes one of several words, each of which stands for a value. What `value` is before is the default.
template <class Value>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Value& value,
                        const std::vector<std::pair<std::string, Value>>& choices, const std::string& type,
                        const std::string& text) {
  std::vector<std::string> words;
  std::string before;
  for (const auto& [word, meaning] : choices) {
    words.push_back(word);
    if (meaning == value) before = word;
  }
  const auto choose = [&value, choices](const std::string& given) {
    for (const auto& [word, meaning] : choices) {
      if (word == given) value = meaning;
    }
  };
  return app.add_option_function<std::string>(name, choose, text)
      ->check(CLI::IsMember(words))
      ->type_name(type)
      ->default_str(before);
}

/// "a, b or c".
std::string in_words(std::vector<std::string> items, const std::string& conjunction);

}  // namespace graftwork::core::cli
