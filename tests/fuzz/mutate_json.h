// Mutations of JSON by its structure: the text parses again, and what is exchanged has the place of its like.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace graftwork::core::fuzz {

/// One to three mutations of `text`: numbers become extreme, members and elements vanish, repeat and change places, and
/// a value takes the place of another that has the same key, in the text or in `other`. Text that is no JSON, or nested
/// more deeply than 200, comes back as it is.
std::string mutate_json(const std::string& text, const std::string& other, std::minstd_rand& random);

}  // namespace graftwork::core::fuzz
