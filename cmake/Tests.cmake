# ctest: the tests of the checkout and of the installed files. A test that cannot run
# here prints the reason, and counts as skipped.

add_test(NAME swift-test COMMAND "${CMAKE_COMMAND}" -E env
  "MPI_PKG_CONFIG=${mpi_module}" "PKG_CONFIG_PATH=${mpi_folder}/pkgconfig:$ENV{PKG_CONFIG_PATH}"
  "${SWIFT}" test -c release --disable-xctest --package-path "${PIADM_SOURCE}"
  --scratch-path "${CMAKE_BINARY_DIR}/swift-tests")
set_tests_properties(swift-test PROPERTIES TIMEOUT 3600)

add_test(NAME install COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/test-install.sh" "${CMAKE_BINARY_DIR}")
add_test(NAME tarball-in-bare-root
  COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/test-tarball.sh" "${CMAKE_BINARY_DIR}")
add_test(NAME slurm COMMAND "${PIADM_SOURCE}/jobs/test-slurm.sh" "${swift_folder}/release/piadm")
add_test(NAME hosts COMMAND "${PIADM_SOURCE}/jobs/test-hosts.sh" "${swift_folder}/release/piadm")
set_tests_properties(install tarball-in-bare-root slurm hosts PROPERTIES
  SKIP_RETURN_CODE 77 TIMEOUT 600
  ENVIRONMENT "OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1")
