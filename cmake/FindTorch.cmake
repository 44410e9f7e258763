# Finds the libtorch inside an installed torch package and defines Torch::Torch, and Torch::Api with the C++ front end.
#
# The package's own CMake files stop without a CUDA toolkit when the wheel is a CUDA one, so only four facts are taken:
# the include folder, the libraries, the ABI and the version. It is searched for in this order:
#   GRAFTWORK_TORCH       the package's folder (…/site-packages/torch): a variable, or an environment variable
#   Torch_DIR             where the package's own CMake files were found before, so that a build has one torch
#   CMAKE_PREFIX_PATH     with the package's folder, or its share/cmake
#   GraftworkTorch_HINT   the torch that an installed Graftwork was built with; GraftworkConfig.cmake says it
#   .venv, python3        the project's virtual environment, then whatever `python3 -c "import torch"` imports
# What was found stays in the cache as GRAFTWORK_TORCH. Sets Torch_FOUND, Torch_VERSION, Torch_PACKAGE_DIR and
# Torch_INCLUDE_DIR.
include(${CMAKE_CURRENT_LIST_DIR}/GraftworkPythonPackage.cmake)

function(_graftwork_search_torch result)
  set(folders "${GRAFTWORK_TORCH}")
  if(NOT GRAFTWORK_TORCH)
    if(Torch_DIR)
      list(APPEND folders "${Torch_DIR}/../../..")
    endif()
    cmake_path(CONVERT "$ENV{CMAKE_PREFIX_PATH}" TO_CMAKE_PATH_LIST named)
    foreach(prefix IN LISTS CMAKE_PREFIX_PATH named)
      list(APPEND folders "${prefix}" "${prefix}/../..")
    endforeach()
    list(APPEND folders "${GraftworkTorch_HINT}")
    graftwork_python_package(torch imported)
    list(APPEND folders "${imported}")
  endif()
  set(${result} "" PARENT_SCOPE)
  foreach(folder IN LISTS folders)
    if(EXISTS "${folder}/include/ATen/ATen.h" AND EXISTS "${folder}/lib/libtorch_cpu.so")
      file(REAL_PATH "${folder}" folder)
      set(${result} "${folder}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

function(_graftwork_torch_version folder result)
  set(version "")
  foreach(header IN ITEMS torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
    if(version STREQUAL "" AND EXISTS "${folder}/include/${header}")
      file(STRINGS "${folder}/include/${header}" lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
      list(TRANSFORM lines REPLACE ".* " "")
      list(JOIN lines "." version)
    endif()
  endforeach()
  set(${result} "${version}" PARENT_SCOPE)
endfunction()

set(GRAFTWORK_TORCH "$ENV{GRAFTWORK_TORCH}" CACHE PATH "Folder of an installed torch package")
_graftwork_search_torch(Torch_PACKAGE_DIR)
set(Torch_INCLUDE_DIR "${Torch_PACKAGE_DIR}/include")
set(Torch_VERSION "")
if(Torch_PACKAGE_DIR)
  _graftwork_torch_version("${Torch_PACKAGE_DIR}" Torch_VERSION)
endif()

set(_graftwork_torch_advice "nothing is found in CMAKE_PREFIX_PATH (the package's folder or its share/cmake), in the \
project's .venv, or by `python3 -c \"import torch\"`: name an installed torch package with \
-DGRAFTWORK_TORCH=…/site-packages/torch")
if(GRAFTWORK_TORCH)
  set(_graftwork_torch_advice "GRAFTWORK_TORCH=${GRAFTWORK_TORCH} is to be the folder of an installed torch package \
(…/site-packages/torch). Without it CMAKE_PREFIX_PATH, the project's .venv and `python3 -c \"import torch\"` are asked")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Torch
  REQUIRED_VARS Torch_PACKAGE_DIR
  VERSION_VAR Torch_VERSION
  HANDLE_VERSION_RANGE
  REASON_FAILURE_MESSAGE "${_graftwork_torch_advice}")

if(Torch_FOUND)
  set(GRAFTWORK_TORCH "${Torch_PACKAGE_DIR}" CACHE PATH "Folder of an installed torch package" FORCE)
endif()
# Global: whoever links Graftwork as a part of his own build sees what it links.
if(Torch_FOUND AND NOT TARGET Torch::Torch)
  add_library(Torch::Torch INTERFACE IMPORTED GLOBAL)
  target_include_directories(Torch::Torch SYSTEM INTERFACE "${Torch_INCLUDE_DIR}")
  target_link_libraries(Torch::Torch INTERFACE "${Torch_PACKAGE_DIR}/lib/libtorch.so"
                                               "${Torch_PACKAGE_DIR}/lib/libtorch_cpu.so"
                                               "${Torch_PACKAGE_DIR}/lib/libc10.so")
  target_compile_definitions(Torch::Torch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
endif()
# The C++ front end, for its modules and optimisers: in an include folder of its own.
if(Torch_FOUND AND NOT TARGET Torch::Api)
  add_library(Torch::Api INTERFACE IMPORTED GLOBAL)
  target_include_directories(Torch::Api SYSTEM INTERFACE "${Torch_INCLUDE_DIR}/torch/csrc/api/include")
  target_link_libraries(Torch::Api INTERFACE Torch::Torch)
endif()
