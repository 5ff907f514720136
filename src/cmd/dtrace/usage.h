// The summary that a wrong command line gets, and --help.
#pragma once

namespace ht::dtrace {

inline constexpr char kUsageText[] =
    R"(Usage: dtrace [-32|-64] [-aABCdeEFGhHlqSvVwZ] [-b bufsz] [-c cmd] [-D name[=def]]
	[-I path] [-L path] [-o output] [-p pid] [-s script] [-U name]
	[-x opt[=val]] [-X a|c|s|t] [-y object] [-Y object]
	[-P provider [[ predicate ] action ]]
	[-m [ provider: ] module [[ predicate ] action ]]
	[-f [[ provider: ] module: ] func [[ predicate ] action ]]
	[-n [[[ provider: ] module: ] func: ] name [[ predicate ] action ]]
	[-i probe-id [[ predicate ] action ]] [ args ... ]

	predicate -> '/' D-expression '/'
	   action -> '{' D-statements '}'

	-32 generate 32-bit D programs
	-64 generate 64-bit D programs

	-a  claim anonymous tracing state (there is none: accepted, ignored)
	-A  prepare anonymous tracing (accepted, ignored)
	-b  set trace buffer size
	-B  show every fragment of output as it is delivered
	-c  run specified command and exit upon its completion
	-C  run cpp(1) preprocessor on script files
	-D  define symbol when invoking preprocessor
	-e  exit after compiling request but prior to enabling probes; with -E,
	    write the compiled program to an object file
	-E  trace guests, through dtraced; descriptions may begin with a target
	    (guest name, globs): target:provider:module:func:name
	-f  enable or list probes matching the specified function name
	-F  coalesce trace output by function
	-G  generate an ELF file containing the compiled program
	-h  generate a header file with definitions for static probes
	-H  print included files when invoking preprocessor
	-i  enable or list probes matching the specified probe id
	-I  add include directory to preprocessor search path
	-l  list probes matching specified criteria
	-L  add library directory to library search path
	-m  enable or list probes matching the specified module name
	-n  enable or list probes matching the specified probe name
	-o  set output file
	-p  grab specified process-ID and cache its symbol tables
	-P  enable or list probes matching the specified provider name
	-q  set quiet mode (only output explicitly traced data)
	-s  enable or list probes according to the specified D script
	-S  print D compiler intermediate code; of an object (-y, -Y) only list it
	-U  undefine symbol when invoking preprocessor
	-v  set verbose mode (report stability attributes, arguments)
	-V  report DTrace API version
	-w  permit destructive actions
	-x  enable or modify compiler and tracing options
	-X  specify ISO C conformance settings for preprocessor
	-y  link an object file that -e wrote with this machine's kernel types
	    (-x typefile=file: with those), and write the linked one
	-Y  run an object file
	-Z  permit probe descriptions that match zero probes
)";

}  // namespace ht::dtrace
