# Installs all files relative to one folder, which may be moved.

# The man page and the completions are generated from the program's own help.
set(described "${CMAKE_BINARY_DIR}/described")
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_custom_target(descriptions ALL
  COMMAND "${CMAKE_COMMAND}" -E make_directory "${described}"
  COMMAND "${swift_folder}/release/piadm" --generate-completion-script bash > "${described}/piadm.bash"
  COMMAND "${swift_folder}/release/piadm" --generate-completion-script zsh > "${described}/_piadm"
  COMMAND "${swift_folder}/release/piadm" --generate-completion-script fish > "${described}/piadm.fish"
  COMMAND "${swift_folder}/release/piadm" --experimental-dump-help > "${described}/help.json"
  COMMAND "${Python3_EXECUTABLE}" "${CMAKE_CURRENT_SOURCE_DIR}/manual.py" "${PROJECT_VERSION}"
    < "${described}/help.json" > "${described}/piadm.1"
  DEPENDS program VERBATIM
  COMMENT "Writing man page and completions")

set(share "${CMAKE_INSTALL_DATAROOTDIR}")
install(PROGRAMS "${swift_folder}/release/piadm" DESTINATION bin)
install(FILES "${PIADM_SOURCE}/Sources/CScorePlugin/include/piadm_score.h" DESTINATION include)
# Swift modules need the same version of the compiler that built them.
install(FILES "${CMAKE_BINARY_DIR}/libpiadm.a" DESTINATION lib)
foreach(module IN LISTS library_modules)
  install(FILES "${swift_folder}/release/Modules/${module}.swiftmodule" DESTINATION lib/piadm)
endforeach()
# The compiler also needs the C modules that they import.
foreach(module CMPI CRandom123)
  install(DIRECTORY "${PIADM_SOURCE}/Sources/${module}" DESTINATION lib/piadm)
endforeach()
foreach(module IN LISTS library_c_modules)
  # The package manager's own module maps contain folders of this machine.
  file(WRITE "${described}/${module}/module.modulemap"
    "module ${module} {\n  umbrella header \"${module}.h\"\n  export *\n}\n")
  install(DIRECTORY "${PIADM_SOURCE}/Sources/${module}/include/" "${described}/${module}/"
    DESTINATION lib/piadm/${module})
endforeach()
list(TRANSFORM library_c_modules PREPEND "-I\${modules}/" OUTPUT_VARIABLE c_module_flags)
list(JOIN c_module_flags " " c_module_flags)
configure_file(piadm.pc.in "${described}/piadm.pc" @ONLY)
install(FILES "${described}/piadm.pc" DESTINATION lib/pkgconfig)

install(DIRECTORY "${PIADM_SOURCE}/Sources/ScoreModels/Models/" DESTINATION "${share}/piadm/models")
install(DIRECTORY examples DESTINATION "${share}/piadm")
install(DIRECTORY "${PIADM_SOURCE}/jobs/" DESTINATION "${share}/piadm/jobs" USE_SOURCE_PERMISSIONS
  PATTERN ".*" EXCLUDE PATTERN "__pycache__" EXCLUDE
  # Scripts that set up, build or test a checkout are omitted.
  PATTERN "environment.sh" EXCLUDE PATTERN "setup.sh" EXCLUDE PATTERN "quickstart.sh" EXCLUDE
  PATTERN "requirements.txt" EXCLUDE PATTERN "sanitize*.sh" EXCLUDE PATTERN "test*.sh" EXCLUDE
  PATTERN "fuzz.sh" EXCLUDE PATTERN "soak.sh" EXCLUDE PATTERN "delay-cable.py" EXCLUDE)
install(FILES "${described}/piadm.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES "${described}/piadm.bash" DESTINATION "${share}/bash-completion/completions" RENAME piadm)
install(FILES "${described}/_piadm" DESTINATION "${share}/zsh/site-functions")
install(FILES "${described}/piadm.fish" DESTINATION "${share}/fish/vendor_completions.d")
install(FILES "${PIADM_SOURCE}/LICENSE" "${PIADM_SOURCE}/README.md" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

if(PIADM_OPENVINO)
  set(openvino_line "setenv(\"PIADM_OPENVINO\", \"${PIADM_OPENVINO}\")")
else()
  set(openvino_line "-- Networks need OpenVINO: setenv(\"PIADM_OPENVINO\", \"the folder of libopenvino_c.so\")")
endif()
configure_file(modulefile.lua.in "${described}/${PROJECT_VERSION}.lua" @ONLY)
install(FILES "${described}/${PROJECT_VERSION}.lua" DESTINATION "${share}/modulefiles/piadm")
