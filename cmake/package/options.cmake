# Read by cpack before it installs what it packs.
if(CPACK_GRAFTWORK_WITH_TORCH)
  set(CPACK_PACKAGE_FILE_NAME ${CPACK_PACKAGE_FILE_NAME}-with-torch)
  list(GET CPACK_INSTALL_CMAKE_PROJECTS 0 _graftwork_build)
  set(CPACK_INSTALL_CMAKE_PROJECTS ${_graftwork_build} graftwork command /)
endif()
