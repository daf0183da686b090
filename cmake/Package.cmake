# A tarball that runs where it is unpacked: piadm-VERSION-SYSTEM-MPI.tar.gz.

set(CPACK_GENERATOR TGZ)
string(TOLOWER "piadm-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR}-${mpi_name}"
  CPACK_PACKAGE_FILE_NAME)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Parallel-in-time sampling of diffusion models over MPI")
set(CPACK_VERBATIM_VARIABLES ON)
include(CPack)
