# Warnings, sanitizers and the flags every room shares.
add_library(ht_flags INTERFACE)
target_compile_options(ht_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                                          -Wno-missing-field-initializers)
target_include_directories(ht_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(HT_WERROR)
  target_compile_options(ht_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees dangling and uninitialised values through inlined std::variant that are not there, and overlapping
  # copies in inlined std::string (its bug 105329).
  target_compile_options(ht_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
endif()
if(HT_SANITIZE)
  # Unoptimised where it is not about speed (dev): with UBSan an optimised build takes three times as long.
  target_compile_options(ht_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-O1> -fsanitize=address,undefined
                                            -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ht_flags INTERFACE -fsanitize=address,undefined)
endif()
if(HT_FUZZ)
  target_compile_options(ht_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
