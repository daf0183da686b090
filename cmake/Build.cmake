# Swift's package manager builds the program, and links the Swift runtime into it.

set(swift_folder "${CMAKE_BINARY_DIR}/swift")
set(swift_flags -c release --static-swift-stdlib --package-path "${PIADM_SOURCE}"
  --scratch-path "${swift_folder}")
# The program contains no paths of this machine: no run paths and no debug tables.
list(APPEND swift_flags -Xswiftc -no-toolchain-stdlib-rpath -Xlinker -S)
# A run path lets the program find an MPI library outside the loader's folders without
# its module. A library that a module names takes precedence.
file(REAL_PATH "${mpi_library}" mpi_file)
get_filename_component(mpi_file_folder "${mpi_file}" DIRECTORY)
if(NOT mpi_file_folder IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
  list(APPEND swift_flags -Xlinker -rpath -Xlinker "${mpi_file_folder}")
endif()
if(PIADM_CPU)
  # This option also applies to the code generated for Swift.
  list(APPEND swift_flags -Xcc "-march=${PIADM_CPU}")
endif()
if(PIADM_JOBS)
  list(APPEND swift_flags --jobs "${PIADM_JOBS}")
endif()

if(PIADM_STATIC_LIBRARIES)
  # The package manager accepts only -l and -L from pkg-config, and the linker prefers
  # shared libraries. The pkg-config modules therefore name a folder that contains only
  # static libraries.
  set(static_folder "${CMAKE_BINARY_DIR}/static")
  file(MAKE_DIRECTORY "${static_folder}")
  foreach(name png16 crypto z)
    find_library(STATIC_${name} "lib${name}.a" HINTS ${PNG_LIBRARY_DIRS} ${CRYPTO_LIBRARY_DIRS})
    if(NOT STATIC_${name})
      message(FATAL_ERROR "lib${name}.a is missing; install it, or turn PIADM_STATIC_LIBRARIES off")
    endif()
    file(CREATE_LINK "${STATIC_${name}}" "${static_folder}/lib${name}.a" SYMBOLIC)
  endforeach()
  foreach(module libpng libcrypto)
    set(name ${module})
    if(module STREQUAL libpng)
      set(version ${PNG_VERSION})
      set(libraries "-lpng16 -lz -lm")
      set(flags ${PNG_CFLAGS})
    else()
      set(version ${CRYPTO_VERSION})
      set(libraries "-lcrypto")
      set(flags ${CRYPTO_CFLAGS})
    endif()
    configure_file(static.pc.in "${static_folder}/${module}.pc" @ONLY)
  endforeach()
  string(PREPEND pkg_config_path "${static_folder}:")
endif()

set(swift_build "${CMAKE_COMMAND}" -E env "MPI_PKG_CONFIG=${mpi_module}"
  "PKG_CONFIG_PATH=${pkg_config_path}:$ENV{PKG_CONFIG_PATH}" "${SWIFT}" build ${swift_flags})

# Runs in every build: the package manager finds what is out of date.
add_custom_target(program ALL
  COMMAND ${swift_build} --product piadm
  BYPRODUCTS "${swift_folder}/release/piadm"
  USES_TERMINAL VERBATIM
  COMMENT "Building piadm")

# One library with all modules for Swift programs.
set(library_modules MPI NumPyFormat Diffusion PicardSampler PicardSamplerMPI ScoreModels)
# C modules that they import; CMPI and CRandom123 have only headers.
set(library_c_modules CNormals COpenVINO CScorePlugin)
string(JOIN "," archived ${library_modules} ${library_c_modules})
add_custom_target(library ALL
  COMMAND "${CMAKE_COMMAND}" "-DAR=${CMAKE_AR}" "-DOBJECTS=${swift_folder}/release"
    "-DMODULES=${archived}" "-DARCHIVE=${CMAKE_BINARY_DIR}/libpiadm.a"
    -P "${CMAKE_CURRENT_SOURCE_DIR}/archive.cmake"
  BYPRODUCTS "${CMAKE_BINARY_DIR}/libpiadm.a"
  DEPENDS program VERBATIM)
