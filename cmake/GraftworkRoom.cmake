# graftwork_room(NAME SOURCES ... [DEPENDS ...] [PRIVATE_DEPENDS ...] [TORCH])
#
# One folder of src/graftwork is one static library, graftwork_NAME. What it may include is what it
# links: DEPENDS names the rooms below it, and a check in tests/structure holds the table of design.
function(graftwork_room name)
  cmake_parse_arguments(ROOM "TORCH" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(graftwork_${name} STATIC ${ROOM_SOURCES})
  graftwork_compile_options(graftwork_${name})
  target_include_directories(graftwork_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(graftwork_${name} PUBLIC ${ROOM_DEPENDS} PRIVATE ${ROOM_PRIVATE_DEPENDS})
  if(ROOM_TORCH)
    target_link_libraries(graftwork_${name} PUBLIC Torch::Torch)
    graftwork_precompile_torch(graftwork_${name})
  else()
    graftwork_precompile_core(graftwork_${name})
  endif()
endfunction()

# The standard headers that nearly every file of the torch-free half includes, compiled once.
function(graftwork_precompile_core target)
  if(NOT TARGET graftwork_core_pch)
    add_library(graftwork_core_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/empty.cpp)
    graftwork_compile_options(graftwork_core_pch)
    target_precompile_headers(graftwork_core_pch PRIVATE <algorithm> <functional> <map> <memory> <optional> <span> <sstream>
                              <string> <unordered_map> <variant> <vector>)
  endif()
  target_precompile_headers(${target} REUSE_FROM graftwork_core_pch)
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
  # g++ 12 warns of overlaps in std::string and of uninitialised parts of std::variant that are not there
  # (GCC bugs 105651 and 105562).
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-maybe-uninitialized)
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
    add_library(graftwork_torch_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/empty.cpp)
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
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${TEST_DEPENDS} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE GRAFTWORK_TEST_DIR="${CMAKE_SOURCE_DIR}/tests")
  if(TEST_TORCH)
    graftwork_precompile_torch(${name})
  endif()
  add_test(NAME ${name} COMMAND ${name})
endfunction()
