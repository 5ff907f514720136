# A room is one folder of src/: one static library, its tests beside its sources.
#
#   ht_room(NAME DEPENDS other-room… LIBRARIES external…)
#
# x.cc goes into the library ht_NAME, x_test.cc into the test program NAME_test. A room without sources yet is an
# empty interface library, so that the list of rooms is always complete.

# The headers that most sources read, parsed once for all of them where HT_PRECOMPILE says so. The release preset does
# without, so that a source that forgets to include one does not build there.
set(HT_COMMON_HEADERS <algorithm> <array> <cstdint> <cstring> <functional> <map> <memory> <optional> <string>
                      <string_view> <vector> <fmt/format.h>)
function(ht_precompile target owner)
  if(NOT HT_PRECOMPILE)
    return()
  elseif(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()

function(ht_room name)
  cmake_parse_arguments(ROOM "" "" "DEPENDS;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$")
  list(TRANSFORM ROOM_DEPENDS PREPEND ht_)

  if(sources OR EXISTS ${CMAKE_SOURCE_DIR}/src/${name}/CMakeLists.txt)
    add_library(ht_${name} STATIC ${sources})
    target_link_libraries(ht_${name} PUBLIC ht_flags ${ROOM_DEPENDS} ${ROOM_LIBRARIES})
    ht_precompile(ht_${name} ht_base ${HT_COMMON_HEADERS})
  else()
    add_library(ht_${name} INTERFACE)
    target_link_libraries(ht_${name} INTERFACE ht_flags ${ROOM_DEPENDS} ${ROOM_LIBRARIES})
  endif()

  # What a room needs beyond that (generated sources) it adds to ht_NAME in a CMakeLists.txt of its own.
  if(EXISTS ${CMAKE_SOURCE_DIR}/src/${name}/CMakeLists.txt)
    add_subdirectory(${CMAKE_SOURCE_DIR}/src/${name} ${CMAKE_BINARY_DIR}/src/${name})
  endif()

  if(HT_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ht_${name} GTest::gmock GTest::gtest_main)
    ht_precompile(${name}_test base_test ${HT_COMMON_HEADERS} <gmock/gmock.h> <gtest/gtest.h>)
    gtest_discover_tests(${name}_test TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 120)
  endif()
endfunction()
