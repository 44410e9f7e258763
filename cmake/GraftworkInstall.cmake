# What `cmake --install` writes, in two components: library and command.
#
# Nothing in it names this machine but one link, lib/graftwork/torch, to the torch package of this build. Behind it both
# libraries look for libtorch, and find_package and pkg-config for torch's headers; whoever moves to another machine sets
# it again. docs/install.md tells what else is asked when it leads nowhere.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(GRAFTWORK_PRIVATE_DIR lib/graftwork)
set(_graftwork_generated ${PROJECT_BINARY_DIR}/installed)

if(GRAFTWORK_WITH_TORCH)
  file(MAKE_DIRECTORY ${_graftwork_generated})
  file(CREATE_LINK ${Torch_PACKAGE_DIR} ${_graftwork_generated}/torch SYMBOLIC)

  cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_LIBDIR BASE_DIRECTORY /prefix OUTPUT_VARIABLE _graftwork_libdir)
  cmake_path(RELATIVE_PATH _graftwork_libdir BASE_DIRECTORY /prefix)
  file(RELATIVE_PATH _graftwork_private_of_lib /prefix/${_graftwork_libdir} /prefix/${GRAFTWORK_PRIVATE_DIR})
  set_target_properties(graftwork_library PROPERTIES INSTALL_RPATH $ORIGIN/${_graftwork_private_of_lib}/torch/lib)
  install(TARGETS graftwork_library EXPORT GraftworkTargets 
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/graftwork DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library
          FILES_MATCHING PATTERN "*.h")
  install(FILES ${_graftwork_generated}/torch DESTINATION ${GRAFTWORK_PRIVATE_DIR} COMPONENT library)

  set(_graftwork_config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Graftwork)
  string(REGEX MATCH "^([0-9]+)\\.([0-9]+)" GRAFTWORK_TORCH_MINOR "${Torch_VERSION}")
  math(EXPR GRAFTWORK_TORCH_NEXT_MINOR "${CMAKE_MATCH_2} + 1")
  set(GRAFTWORK_TORCH_NEXT_MINOR ${CMAKE_MATCH_1}.${GRAFTWORK_TORCH_NEXT_MINOR})
  set(GRAFTWORK_TORCH_LINK ${GRAFTWORK_PRIVATE_DIR}/torch)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/GraftworkConfig.cmake.in
    ${_graftwork_generated}/GraftworkConfig.cmake INSTALL_DESTINATION ${_graftwork_config_dir}
    PATH_VARS GRAFTWORK_TORCH_LINK NO_CHECK_REQUIRED_COMPONENTS_MACRO)
  write_basic_package_version_file(${_graftwork_generated}/GraftworkConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(EXPORT GraftworkTargets NAMESPACE Graftwork:: DESTINATION ${_graftwork_config_dir} COMPONENT library)
  install(FILES ${_graftwork_generated}/GraftworkConfig.cmake ${_graftwork_generated}/GraftworkConfigVersion.cmake
                ${PROJECT_SOURCE_DIR}/cmake/FindTorch.cmake ${PROJECT_SOURCE_DIR}/cmake/GraftworkPythonPackage.cmake
          DESTINATION ${_graftwork_config_dir} COMPONENT library)

  file(RELATIVE_PATH GRAFTWORK_PREFIX_OF_PC /prefix/${_graftwork_libdir}/pkgconfig /prefix)
  string(REGEX REPLACE "/$" "" GRAFTWORK_PREFIX_OF_PC "${GRAFTWORK_PREFIX_OF_PC}")
  configure_file(${PROJECT_SOURCE_DIR}/cmake/graftwork.pc.in ${_graftwork_generated}/graftwork.pc @ONLY)
  install(FILES ${_graftwork_generated}/graftwork.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT library)
endif()

if(GRAFTWORK_BUILD_COMMAND)
  file(RELATIVE_PATH _graftwork_private_of_bin /prefix/${CMAKE_INSTALL_BINDIR} /prefix/${GRAFTWORK_PRIVATE_DIR})
  set_target_properties(graftwork_command PROPERTIES INSTALL_RPATH $ORIGIN/${_graftwork_private_of_bin})
  install(TARGETS graftwork_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT command)
  if(GRAFTWORK_WITH_TORCH)
    set_target_properties(graftwork_torch PROPERTIES INSTALL_RPATH "$ORIGIN;$ORIGIN/torch/lib")
    install(TARGETS graftwork_torch LIBRARY DESTINATION ${GRAFTWORK_PRIVATE_DIR} COMPONENT command)
    install(FILES ${_graftwork_generated}/torch DESTINATION ${GRAFTWORK_PRIVATE_DIR} COMPONENT command)
  endif()
  if(TARGET graftwork_manual_pages)
    set(_graftwork_manual ${PROJECT_BINARY_DIR}/manual)
    install(FILES ${_graftwork_manual}/graftwork.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT command)
    install(FILES ${_graftwork_manual}/graftwork.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
            RENAME graftwork COMPONENT command)
    install(FILES ${_graftwork_manual}/_graftwork DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT command)
    install(FILES ${_graftwork_manual}/graftwork.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
            COMPONENT command)
  endif()
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT command)
endif()

if(PROJECT_IS_TOP_LEVEL)
  include(GraftworkPackage)
endif()
