# Finds the requirements: Swift, an MPI library, libpng, libcrypto and Random123;
# OpenVINO, which only runs with networks need, is optional.

find_program(SWIFT swift HINTS "$ENV{HOME}/.local/share/swiftly/bin" REQUIRED)

execute_process(COMMAND "${SWIFT}" --version OUTPUT_VARIABLE SWIFT_VERSION ERROR_QUIET)
string(REGEX MATCH "[0-9]+\\.[0-9.]+[0-9]" SWIFT_VERSION "${SWIFT_VERSION}")
if(NOT SWIFT_VERSION OR SWIFT_VERSION VERSION_LESS 6.2)
  message(FATAL_ERROR "${SWIFT} is Swift '${SWIFT_VERSION}'; 6.2 or later is needed (swift.org/install)")
endif()

set(MPI_DETERMINE_LIBRARY_VERSION TRUE)
set(MPI_CXX_SKIP_MPICXX TRUE)
find_package(MPI REQUIRED COMPONENTS C)
# The package reads MPI's flags from the pkg-config module of the library.
if(MPI_C_LIBRARY_VERSION_STRING MATCHES "^Open MPI")
  set(mpi_module ompi-c)
  set(mpi_name openmpi)
elseif(MPI_C_LIBRARY_VERSION_STRING MATCHES "^MPICH")
  set(mpi_module mpich)
  set(mpi_name mpich)
else()
  message(FATAL_ERROR
    "'${MPI_C_LIBRARY_VERSION_STRING}' is neither Open MPI nor MPICH. Name the compiler wrapper of one of them, such as -DMPI_C_COMPILER=mpicc.openmpi")
endif()
string(REGEX REPLACE "[\n,].*" "" mpi_version "${MPI_C_LIBRARY_VERSION_STRING}")
string(REGEX REPLACE "[ \t]+" " " mpi_version "${mpi_version}")
# pkg-config must find the same library as above, and no other one.
list(GET MPI_C_LIBRARIES 0 mpi_library)
get_filename_component(mpi_folder "${mpi_library}" DIRECTORY)
set(pkg_config_path "${mpi_folder}/pkgconfig")

find_package(PkgConfig REQUIRED)
set(ENV{PKG_CONFIG_PATH} "${pkg_config_path}:$ENV{PKG_CONFIG_PATH}")
pkg_check_modules(MPI_MODULE REQUIRED ${mpi_module})
pkg_check_modules(PNG REQUIRED libpng)
pkg_check_modules(CRYPTO REQUIRED libcrypto)
find_path(RANDOM123 Random123/philox.h REQUIRED)

# The program loads OpenVINO when it opens a network; the build does not need it.
find_package(OpenVINO QUIET COMPONENTS Runtime)
if(OpenVINO_FOUND)
  get_target_property(openvino_library openvino::runtime::c LOCATION)
  get_filename_component(openvino_folder "${openvino_library}" DIRECTORY)
endif()
set(PIADM_OPENVINO "${openvino_folder}" CACHE PATH
  "Folder of OpenVINO's libraries that the modulefile names; empty: users bring their own")

message(STATUS "MPI: ${mpi_version} (${mpi_library})")
if(PIADM_OPENVINO)
  message(STATUS "OpenVINO: ${PIADM_OPENVINO}")
else()
  message(STATUS "OpenVINO: not found; networks will look for it when they are run")
endif()
