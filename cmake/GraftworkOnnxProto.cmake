# graftwork_find_onnx_proto(RESULT): the onnx.proto that the ONNX classes are made from. GRAFTWORK_ONNX_PROTO names one,
# as a variable or an environment variable; otherwise the onnx package of the project's .venv has it, that of python3, or
# the system in /usr/include/onnx. What was found stays in the cache.
include(${CMAKE_CURRENT_LIST_DIR}/GraftworkPythonPackage.cmake)

function(graftwork_find_onnx_proto result)
  set(GRAFTWORK_ONNX_PROTO "$ENV{GRAFTWORK_ONNX_PROTO}" CACHE FILEPATH "The onnx.proto of an installed onnx package")
  set(files "${GRAFTWORK_ONNX_PROTO}")
  if(NOT GRAFTWORK_ONNX_PROTO)
    graftwork_python_package(onnx package)
    set(files "${package}/onnx.proto" /usr/include/onnx/onnx.proto)
  endif()
  foreach(file IN LISTS files)
    if(EXISTS "${file}")
      set(GRAFTWORK_ONNX_PROTO "${file}" CACHE FILEPATH "The onnx.proto of an installed onnx package" FORCE)
      set(${result} "${file}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR
    "There is no onnx.proto: not by GRAFTWORK_ONNX_PROTO=\"${GRAFTWORK_ONNX_PROTO}\", in the onnx package of the project's "
    ".venv or of python3, or in /usr/include/onnx. Name one with -DGRAFTWORK_ONNX_PROTO=…/site-packages/onnx/onnx.proto")
endfunction()
