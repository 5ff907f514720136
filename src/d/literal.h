// The values of constants: integers with their suffixes, escapes of strings and characters.
#pragma once

#include <string>
#include <string_view>

#include "d/token.h"

namespace ht::d {

// How much of the beginning of `text` is an integer constant with its suffix; it begins with a digit.
size_t integer_length(std::string_view text);
// The same for floating constants, which are recognised to be rejected: 1.5, 1e3, 2f.
size_t floating_length(std::string_view text);

// `text` is a whole constant, suffix included ("0x1fUL"). Fills value and int_kind.
Result<Token> integer_constant(std::string_view text, const Pos& pos);
// The smallest type of the list for a decimal constant without suffix, as characters have it.
IntKind decimal_kind(uint64_t value);
// Escapes done; the result ends before the first \0.
std::string unescape(std::string_view text, bool stop_at_nul);
// The packed value of the characters between the quotes.
Result<Token> character_constant(std::string_view text, const Pos& pos);

}  // namespace ht::d
