#include "graftwork/patterns/text/parse.h"

#include <set>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/patterns/text/compile.h"
#include "graftwork/patterns/text/reader.h"

namespace graftwork::core {
namespace {

constexpr const char* kCode = "gpat.syntax";
constexpr size_t kLargestFile = size_t{1} << 20;
constexpr size_t kMostPatterns = 4096;

/// Bytes of the character that starts here; 0 when it is no valid UTF-8.
size_t character_size(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const size_t size = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (size == 0 || first > 0xF4 || size > text.size()) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  // Longer than needed, one half of a pair, or beyond the last character.
  const bool is_overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool is_outside = (first == 0xED && byte(1) >= 0xA0) || (first == 0xF4 && byte(1) >= 0x90);
  return is_overlong || is_outside ? 0 : size;
}

/// Everything behind may rely on text that a terminal can show.
void check_characters(std::string_view text, const std::string& source) {
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    const auto byte = static_cast<unsigned char>(c);  // char has no sign on some machines
    const bool is_control = (byte < ' ' && c != '\n' && c != '\t' && c != '\r') || byte == 0x7F;
    const size_t size = character_size(text.substr(at));
    if (is_control || size == 0) {
      throw Error(kCode, is_control ? "a control character" : "this is no UTF-8", "a text editor's \"save as UTF-8\"")
          .at(place_in(text, source, at));
    }
    at += size;
  }
}

struct Parsed {
  gpat::Section section;
  std::shared_ptr<const Pattern> pattern;
};

struct ParsedFile {
  std::vector<Parsed> patterns;
  std::shared_ptr<const KindTable> kinds;
};

ParsedFile parse_all(std::string_view text, std::string_view file, std::shared_ptr<const KindTable> kinds) {
  const std::string source(file);
  if (text.size() > kLargestFile) {
    throw Error(kCode, cat("the file has ", human_bytes(text.size()), ", and at most 1 MiB is read"), "several files")
        .at(source);
  }
  check_characters(text, source);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // the mark that some editors put in front
  Lexer lexer(text, source, kCode);
  gpat::FileText parsed = gpat::read_file(lexer);
  gpat::Vocabulary vocabulary(std::move(kinds));
  for (const gpat::LetText& let : parsed.lets) vocabulary.add(let, lexer);
  for (gpat::KernelText& kernel : parsed.kernels) {
    kernel.kind.definition_place = lexer.place(kernel.offset);
    vocabulary.add(std::move(kernel.kind), kernel.offset, lexer);
  }
  std::vector<Parsed> patterns;
  std::unordered_set<std::string> names;
  for (gpat::PatternText& one : parsed.patterns) {
    const gpat::Word name = one.name;
    if (!names.insert(name.text).second) {
      lexer.fail_at(name.offset, cat("there are two patterns ", gpat::shown_name(name.text)), "another name");
    }
    if (patterns.size() == kMostPatterns) {
      lexer.fail_at(name.offset, cat("a file has at most ", kMostPatterns, " patterns"), "several files");
    }
    const gpat::Section section = one.section;
    patterns.push_back({section, gpat::compile(std::move(one), vocabulary, lexer)});
  }
  if (patterns.empty()) lexer.fail_at(0, "there is no pattern in the file", "fusion NAME { ... => ... }");
  return {std::move(patterns), vocabulary.kinds()};
}

}  // namespace

PatternSections parse_pattern_sections(std::string_view text, std::string_view file,
                                       const std::shared_ptr<const KindTable>& kinds) {
  ParsedFile read = parse_all(text, file, kinds);
  PatternSections sections;
  sections.kinds = std::move(read.kinds);
  for (Parsed& parsed : read.patterns) {
    PatternList& list = parsed.section == gpat::Section::kFusion       ? sections.fusions
                        : parsed.section == gpat::Section::kConversion ? sections.conversions
                                                                       : sections.recompositions;
    list.push_back(std::move(parsed.pattern));
  }
  return sections;
}

PatternList parse_patterns(std::string_view text, std::string_view file,
                           const std::shared_ptr<const KindTable>& kinds) {
  PatternList list;
  for (Parsed& parsed : parse_all(text, file, kinds).patterns) list.push_back(std::move(parsed.pattern));
  return list;
}

PatternSections read_patterns(const std::filesystem::path& path, const std::shared_ptr<const KindTable>& kinds) {
  const std::string name = path.string();
  std::error_code ignored;
  const auto size = std::filesystem::file_size(path, ignored);  // a device has none, and is refused by read_text
  if (!ignored && size > kLargestFile) {
    throw Error(kCode, cat("the file has ", human_bytes(size), ", and at most 1 MiB is read"), "several files")
        .at(name);
  }
  return parse_pattern_sections(read_text(path), name, kinds);
}

PatternSections with_patterns(const std::vector<std::filesystem::path>& files, PatternSections lists) {
  std::set<std::string> names;
  const auto admit = [&](const PatternList& list, const std::string& where) {
    for (const std::shared_ptr<const Pattern>& pattern : list) {
      if (names.emplace(pattern->name()).second) continue;
      throw Error("patterns.name", cat("there is another pattern ", pattern->name()), "another name").at(where);
    }
  };
  for (const PatternList* list : {&lists.recompositions, &lists.conversions, &lists.fusions}) admit(*list, "built in");
  PatternSections result;
  result.kinds = lists.kinds;
  for (const std::filesystem::path& file : files) {
    PatternSections read = read_patterns(file, result.kinds);
    result.kinds = std::move(read.kinds);
    for (const auto& [from, to] :
         {std::pair(&read.recompositions, &result.recompositions), std::pair(&read.conversions, &result.conversions),
          std::pair(&read.fusions, &result.fusions)}) {
      admit(*from, file.string());
      to->insert(to->end(), from->begin(), from->end());
    }
  }
  for (const auto& [from, to] :
       {std::pair(&lists.recompositions, &result.recompositions), std::pair(&lists.conversions, &result.conversions),
        std::pair(&lists.fusions, &result.fusions)}) {
    to->insert(to->end(), from->begin(), from->end());
  }
  return result;
}

}  // namespace graftwork::core
