# Finds the libtorch inside an installed torch package and defines Torch::Torch and Torch::Api.
#
# The package's own CMake files stop without a CUDA toolkit when the wheel is a CUDA one, so only three
# facts are taken: the include folder, the libraries, and the ABI.
# GRAFTWORK_TORCH names the package folder (…/site-packages/torch); without it the project's .venv is asked.
set(GRAFTWORK_TORCH "$ENV{GRAFTWORK_TORCH}" CACHE PATH "Folder of an installed torch package")
if(NOT GRAFTWORK_TORCH)
  file(GLOB _graftwork_torch ${PROJECT_SOURCE_DIR}/.venv/lib/python3.*/site-packages/torch)
  if(_graftwork_torch)
    list(GET _graftwork_torch 0 GRAFTWORK_TORCH)
  endif()
endif()

find_path(Torch_INCLUDE_DIR ATen/ATen.h PATHS ${GRAFTWORK_TORCH}/include NO_DEFAULT_PATH)
find_library(Torch_CPU_LIBRARY torch_cpu PATHS ${GRAFTWORK_TORCH}/lib NO_DEFAULT_PATH)
find_library(Torch_C10_LIBRARY c10 PATHS ${GRAFTWORK_TORCH}/lib NO_DEFAULT_PATH)
find_library(Torch_LIBRARY torch PATHS ${GRAFTWORK_TORCH}/lib NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Torch
  REQUIRED_VARS Torch_LIBRARY Torch_CPU_LIBRARY Torch_C10_LIBRARY Torch_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "run `make setup`, or name an installed torch package with GRAFTWORK_TORCH=…/site-packages/torch")

if(Torch_FOUND AND NOT TARGET Torch::Torch)
  add_library(Torch::Torch INTERFACE IMPORTED)
  target_include_directories(Torch::Torch SYSTEM INTERFACE ${Torch_INCLUDE_DIR})
  target_link_libraries(Torch::Torch INTERFACE ${Torch_LIBRARY} ${Torch_CPU_LIBRARY} ${Torch_C10_LIBRARY})
  target_compile_definitions(Torch::Torch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
  # The C++ front end, for its optimisers: in an include folder of its own.
  add_library(Torch::Api INTERFACE IMPORTED)
  target_include_directories(Torch::Api SYSTEM INTERFACE ${Torch_INCLUDE_DIR}/torch/csrc/api/include)
  target_link_libraries(Torch::Api INTERFACE Torch::Torch)
endif()
mark_as_advanced(Torch_INCLUDE_DIR Torch_CPU_LIBRARY Torch_C10_LIBRARY Torch_LIBRARY)
