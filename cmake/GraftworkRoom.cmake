# graftwork_room(NAME [SHARED] SOURCES ... [LIBRARIES ...] [PRIVATE_LIBRARIES ...])
#
# A room is one library, graftwork_NAME. Which rooms it links, and whether it links torch, stands in
# src/graftwork/rooms.json, and includes of any other room fail the build; LIBRARIES are those of others.
function(graftwork_room name)
  cmake_parse_arguments(ROOM "SHARED" "" "SOURCES;LIBRARIES;PRIVATE_LIBRARIES" ${ARGN})
  if(ROOM_SHARED)
    add_library(graftwork_${name} SHARED ${ROOM_SOURCES})
  else()
    add_library(graftwork_${name} STATIC ${ROOM_SOURCES})
  endif()
  graftwork_compile_options(graftwork_${name})
  # What is inside a shared library is nobody else's business.
  set(seen PUBLIC)
  if(ROOM_SHARED)
    set(seen PRIVATE)
  endif()
  target_include_directories(graftwork_${name} ${seen} ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(graftwork_${name} ${seen} ${ROOM_LIBRARIES} PRIVATE ${ROOM_PRIVATE_LIBRARIES})
  graftwork_rooms_below(${name} links)
  target_link_libraries(graftwork_${name} ${seen} ${links})
  graftwork_check_includes(graftwork_${name})
  string(JSON torch ERROR_VARIABLE none GET "${GRAFTWORK_ROOMS}" ${name} torch)
  if(torch)
    target_link_libraries(graftwork_${name} ${seen} Torch::Torch)
    graftwork_precompile_torch(graftwork_${name})
  else()
    graftwork_precompile_core(graftwork_${name})
  endif()
endfunction()

# The table of rooms, which tests/structure/check_rooms.py reads too.
file(READ ${PROJECT_SOURCE_DIR}/src/graftwork/rooms.json GRAFTWORK_ROOMS)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/graftwork/rooms.json)

# Sets `links` to the targets of the rooms that room `name` links.
function(graftwork_rooms_below name links)
  set(targets)
  string(JSON count LENGTH "${GRAFTWORK_ROOMS}" ${name} links)
  if(count GREATER 0)
    math(EXPR last "${count} - 1")
    foreach(i RANGE ${last})
      string(JSON room GET "${GRAFTWORK_ROOMS}" ${name} links ${i})
      list(APPEND targets graftwork_${room})
    endforeach()
  endif()
  set(${links} ${targets} PARENT_SCOPE)
endfunction()

# Nothing of the target is compiled before every include in src/graftwork is one that the table of rooms allows. All
# rooms share one include folder, so that the compiler cannot see to it.
function(graftwork_check_includes target)
  if(NOT GRAFTWORK_BUILD_TESTS)
    return()
  endif()
  if(NOT TARGET graftwork_includes)
    find_package(Python3 REQUIRED COMPONENTS Interpreter)
    set(checked ${PROJECT_BINARY_DIR}/includes.checked)
    set(script ${PROJECT_SOURCE_DIR}/tests/structure/check_rooms.py)
    add_custom_command(
      OUTPUT ${checked}
      COMMAND ${Python3_EXECUTABLE} ${script} ${PROJECT_SOURCE_DIR}/src/graftwork --stamp ${checked}
      DEPENDS ${script}
      DEPFILE ${checked}.d
      COMMENT "Checking what rooms include"
      VERBATIM)
    add_custom_target(graftwork_includes DEPENDS ${checked})
  endif()
  add_dependencies(${target} graftwork_includes)
endfunction()

# The standard headers that nearly every file of the torch-free half includes, compiled once.
function(graftwork_precompile_core target)
  if(NOT TARGET graftwork_core_pch)
    add_library(graftwork_core_pch STATIC ${PROJECT_SOURCE_DIR}/cmake/empty.cpp)
    graftwork_compile_options(graftwork_core_pch)
    target_precompile_headers(graftwork_core_pch PRIVATE <algorithm> <functional> <map> <memory> <optional> <span> <sstream>
                              <string> <unordered_map> <variant> <vector>)
  endif()
  target_precompile_headers(${target} REUSE_FROM graftwork_core_pch)
endfunction()

# The same with GoogleTest, for the tests of that half. They are compiled without optimization, which takes half the time:
# what they test is compiled with it.
function(graftwork_precompile_tests target)
  if(NOT TARGET graftwork_tests_pch)
    add_library(graftwork_tests_pch STATIC ${PROJECT_SOURCE_DIR}/cmake/empty.cpp)
    graftwork_compile_options(graftwork_tests_pch)
    target_compile_options(graftwork_tests_pch PRIVATE -O0)
    target_link_libraries(graftwork_tests_pch PUBLIC GTest::gtest)
    target_precompile_headers(graftwork_tests_pch PRIVATE <gtest/gtest.h> <algorithm> <functional> <map> <memory>
                              <optional> <span> <sstream> <string> <unordered_map> <variant> <vector>)
  endif()
  target_compile_options(${target} PRIVATE -O0)
  target_precompile_headers(${target} REUSE_FROM graftwork_tests_pch)
endfunction()

# The warnings and sanitizers that hold for every target of ours.
function(graftwork_compile_options target)
  # Programs are compiled as libraries are, so that they can share the precompiled headers.
  get_target_property(type ${target} TYPE)
  if(type STREQUAL EXECUTABLE)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion $<$<BOOL:${GRAFTWORK_WERROR}>:-Werror>)
  # An index beyond what there is ends the process, which of the command is one of its own, and never reads on.
  target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)
  # g++ 12 warns of overlaps in std::string and of uninitialised parts of std::variant that are not there
  # (GCC bugs 105651 and 105562).
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-maybe-uninitialized)
  endif()
  # Messages name files from the project's root on, wherever it was built.
  target_compile_options(${target} PRIVATE -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
  if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES ccache AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(${target} PRIVATE -fpch-preprocess)
  endif()
  if(GRAFTWORK_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${GRAFTWORK_SANITIZE} -fno-sanitize-recover=all
                                             -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${GRAFTWORK_SANITIZE})
  endif()
endfunction()

# <ATen/ATen.h> is compiled once and shared by every target of the second half (design: compile time).
function(graftwork_precompile_torch target)
  if(NOT TARGET graftwork_torch_pch)
    add_library(graftwork_torch_pch STATIC ${PROJECT_SOURCE_DIR}/cmake/empty.cpp)
    graftwork_compile_options(graftwork_torch_pch)
    target_link_libraries(graftwork_torch_pch PUBLIC Torch::Torch)
    target_precompile_headers(graftwork_torch_pch PRIVATE <ATen/ATen.h> <ATen/core/dispatch/Dispatcher.h> <string> <vector>)
  endif()
  target_precompile_headers(${target} REUSE_FROM graftwork_torch_pch)
endfunction()

# graftwork_test(NAME SOURCES ... DEPENDS ... [TORCH]): one GoogleTest program, run by ctest.
function(graftwork_test name)
  cmake_parse_arguments(TEST "TORCH" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  graftwork_compile_options(${name})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${TEST_DEPENDS} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE GRAFTWORK_TEST_DIR="${PROJECT_SOURCE_DIR}/tests")
  if(TEST_TORCH)
    graftwork_precompile_torch(${name})
  else()
    graftwork_precompile_tests(${name})
  endif()
  add_test(NAME ${name} COMMAND ${name})
endfunction()
