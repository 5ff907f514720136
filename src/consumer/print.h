// print(): values as trees of their types (reference, section 7.8).
#pragma once

#include <string>
#include <vector>

#include "consumer/datum.h"
#include "dif/program.h"

namespace ht::consumer {

// What print() recorded: the value, or an address and what is there. Ends in a newline.
std::string print_tree(const dif::Program& program, const dif::Action& action, const std::vector<Datum>& values);

}  // namespace ht::consumer
