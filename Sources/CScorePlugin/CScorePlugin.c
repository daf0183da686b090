#define _GNU_SOURCE
#include "CScorePlugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define LOOK_UP(name) *(void **)&plugin->name = dlsym(library, "piadm_score_" #name)

#define REQUIRE(name)                                                        \
  if (!(LOOK_UP(name))) {                                                    \
    snprintf(reason, capacity, "it has no function piadm_score_" #name);     \
    free(plugin);                                                            \
    dlclose(library);                                                        \
    return NULL;                                                             \
  }

const score_plugin *score_plugin_load(const char *path, char *reason, size_t capacity) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *said = dlerror();
    snprintf(reason, capacity, "%s", said ? said : "unknown reason");
    return NULL;
  }
  score_plugin *plugin = calloc(1, sizeof *plugin);
  if (!plugin) {
    snprintf(reason, capacity, "out of memory");
    dlclose(library);
    return NULL;
  }
  REQUIRE(version)
  REQUIRE(create)
  REQUIRE(dimension)
  REQUIRE(evaluate)
  REQUIRE(last_error)
  REQUIRE(destroy)
  LOOK_UP(shape);
  LOOK_UP(prediction);
  LOOK_UP(convention);
  return plugin;
}

int score_plugin_shared_file(void) { return memfd_create("piadm-plugin", MFD_CLOEXEC); }
