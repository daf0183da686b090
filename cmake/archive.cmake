# Puts the package's library modules into one static library:
#
#   cmake -DAR=ar -DOBJECTS=FOLDER -DMODULES=A,B,... -DARCHIVE=FILE -P archive.cmake
#
# Swift's package manager creates a folder MODULE.build in FOLDER for each module.
string(REPLACE "," ";" MODULES "${MODULES}")
foreach(module IN LISTS MODULES)
  file(GLOB_RECURSE found "${OBJECTS}/${module}.build/*.o")
  if(NOT found)
    message(FATAL_ERROR "${OBJECTS}/${module}.build has no objects")
  endif()
  # This object contains the path of its build folder, and nothing calls it.
  list(FILTER found EXCLUDE REGEX "resource_bundle_accessor")
  list(APPEND objects ${found})
endforeach()
file(REMOVE "${ARCHIVE}")
execute_process(COMMAND "${AR}" rcs "${ARCHIVE}" ${objects} COMMAND_ERROR_IS_FATAL ANY)
