# graftwork_python_package(NAME RESULT): sets RESULT to the folder of an installed Python package, or to nothing. The
# projects' own .venv is asked first, then python3; where pip builds the package (SKBUILD), its Python alone. The package
# is not imported, which takes torch a second.
function(graftwork_python_package name result)
  set(${result} "" PARENT_SCOPE)
  set(roots "${PROJECT_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}")
  if(SKBUILD)
    set(roots "")
  endif()
  foreach(root IN LISTS roots)
    file(GLOB found "${root}/.venv/lib/python3.*/site-packages/${name}/__init__.py")
    if(found)
      list(GET found 0 first)
      cmake_path(GET first PARENT_PATH folder)
      set(${result} "${folder}" PARENT_SCOPE)
      return()
    endif()
  endforeach()

  find_program(python NAMES python3 NO_CACHE)
  if(Python3_EXECUTABLE)
    set(python "${Python3_EXECUTABLE}")
  endif()
  if(NOT python)
    return()
  endif()
  # A folder of that name where the configuration runs is no package.
  execute_process(
    COMMAND "${python}" -c "import sys, os.path, importlib.util
sys.path = [path for path in sys.path if path]
found = importlib.util.find_spec('${name}')
print(os.path.dirname(found.origin) if found and found.origin else '')"
    OUTPUT_VARIABLE folder
    OUTPUT_STRIP_TRAILING_WHITESPACE
    ERROR_QUIET)
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()
