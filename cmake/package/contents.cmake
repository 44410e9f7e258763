# Run by cpack between installing and packing. The link to the torch of this machine goes; with CPACK_GRAFTWORK_WITH_TORCH
# the libraries take its place, those of the system beside them, but for the C library, each with its licence.
set(private ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${CPACK_GRAFTWORK_PRIVATE_DIR})
set(documents ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/share/doc/graftwork)

# The Debian package that a library of the system is from says under which licence it is.
function(copy_system_licence library)
  string(REGEX REPLACE "^/usr/" "/" shorter ${library})  # where it was before /lib became a link
  foreach(spelling IN ITEMS ${library} ${shorter})
    execute_process(COMMAND dpkg-query -S ${spelling} OUTPUT_VARIABLE owner RESULT_VARIABLE unknown ERROR_QUIET)
    string(REGEX MATCH "^[^:,]+" package "${owner}")
    if(unknown EQUAL 0 AND EXISTS /usr/share/doc/${package}/copyright)
      file(REAL_PATH /usr/share/doc/${package}/copyright copyright)
      file(MAKE_DIRECTORY ${documents}/licences)
      file(COPY_FILE ${copyright} ${documents}/licences/${package}.txt)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "The licence of ${library} is not found: no installed package owns it")
endfunction()

function(copy_torch_licences)
  file(GLOB licences ${CPACK_GRAFTWORK_TORCH}/../torch-*.dist-info/licenses)
  if(NOT licences)
    message(FATAL_ERROR "The licences of torch are not found beside ${CPACK_GRAFTWORK_TORCH}")
  endif()
  list(GET licences 0 licences)
  file(COPY ${licences}/ DESTINATION ${documents}/licences/torch)
endfunction()

function(copy_libraries)
  file(GET_RUNTIME_DEPENDENCIES
    EXECUTABLES ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/bin/graftwork
    LIBRARIES ${private}/libgraftwork_torch.so
    RESOLVED_DEPENDENCIES_VAR libraries
    UNRESOLVED_DEPENDENCIES_VAR missing
    PRE_EXCLUDE_REGEXES "^lib(c|m|dl|rt|pthread|util)\\.so" "^ld-linux")
  if(missing)
    message(FATAL_ERROR "Libraries that are needed are not found: ${missing}")
  endif()
  # Those of torch are found through the link, which their folder then replaces.
  set(of_torch ${private}/libraries)
  file(MAKE_DIRECTORY ${of_torch})
  foreach(library IN LISTS libraries)
    get_filename_component(name ${library} NAME)
    file(REAL_PATH ${library} file)
    cmake_path(IS_PREFIX CPACK_GRAFTWORK_TORCH ${file} NORMALIZE is_of_torch)
    if(is_of_torch)
      file(COPY_FILE ${file} ${of_torch}/${name})
    else()
      file(COPY_FILE ${file} ${private}/${name})
      copy_system_licence(${file})
    endif()
  endforeach()
  file(REMOVE ${private}/torch)
  file(MAKE_DIRECTORY ${private}/torch)
  file(RENAME ${of_torch} ${private}/torch/lib)
  copy_torch_licences()
endfunction()

if(CPACK_GRAFTWORK_WITH_TORCH)
  copy_libraries()
else()
  file(REMOVE ${private}/torch)
endif()
