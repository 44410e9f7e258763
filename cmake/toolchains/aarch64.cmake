# Debian's cross compiler for ARM, with the libraries that scripts/aarch64.sh unpacks into GRAFTWORK_SYSROOT.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES GRAFTWORK_SYSROOT)

# jconfig.h, which jpeglib.h includes, differs by architecture and has a folder of its own.
set(CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES ${GRAFTWORK_SYSROOT}/usr/include/aarch64-linux-gnu)

# Libraries are of the target, programs of this machine; headers alone (CLI11, nlohmann-json) are the same on both.
set(CMAKE_FIND_ROOT_PATH ${GRAFTWORK_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
set(ENV{PKG_CONFIG_LIBDIR} ${GRAFTWORK_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${GRAFTWORK_SYSROOT})
