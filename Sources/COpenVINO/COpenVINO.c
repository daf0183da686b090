#include "COpenVINO.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_UP(name)                                                               \
  if (!(*(void **)&functions->name = dlsym(functions->library, "ov_" #name))) {     \
    snprintf(reason, capacity, "it has no function ov_" #name " (2023.1 or later is needed)"); \
    dlclose(functions->library);                                                    \
    free(functions);                                                                \
    return NULL;                                                                    \
  }

ov_functions *ov_functions_load(const char *path, char *reason, size_t capacity) {
  ov_functions *functions = calloc(1, sizeof *functions);
  if (!functions) {
    snprintf(reason, capacity, "out of memory");
    return NULL;
  }
  functions->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!functions->library) {
    const char *said = dlerror();
    snprintf(reason, capacity, "%s", said ? said : "unknown reason");
    free(functions);
    return NULL;
  }
  LOOK_UP(get_openvino_version)
  LOOK_UP(version_free)
  LOOK_UP(get_error_info)
  LOOK_UP(get_last_err_msg)
  LOOK_UP(free)
  LOOK_UP(core_create)
  LOOK_UP(core_free)
  LOOK_UP(core_read_model)
  LOOK_UP(model_free)
  LOOK_UP(model_inputs_size)
  LOOK_UP(model_outputs_size)
  LOOK_UP(model_const_input_by_index)
  LOOK_UP(model_const_output_by_index)
  LOOK_UP(port_get_any_name)
  LOOK_UP(port_get_element_type)
  LOOK_UP(port_get_partial_shape)
  LOOK_UP(partial_shape_free)
  LOOK_UP(output_const_port_free)
  LOOK_UP(compiled_model_free)
  LOOK_UP(compiled_model_create_infer_request)
  LOOK_UP(infer_request_free)
  LOOK_UP(infer_request_set_input_tensor_by_index)
  LOOK_UP(infer_request_set_output_tensor_by_index)
  LOOK_UP(infer_request_infer)
  LOOK_UP(tensor_create)
  LOOK_UP(tensor_create_from_host_ptr)
  LOOK_UP(tensor_get_byte_size)
  LOOK_UP(tensor_free)
  return functions;
}

int32_t ov_functions_read_bytes(
    const ov_functions *functions, const ov_core *core, const uint8_t *bytes, size_t count,
    ov_model **model) {
  int32_t (*read)(const ov_core *, const char *, size_t, const ov_tensor *, ov_model **) =
      (int32_t(*)(const ov_core *, const char *, size_t, const ov_tensor *, ov_model **))
          dlsym(functions->library, "ov_core_read_model_from_memory_buffer");
  return read ? read(core, (const char *)bytes, count, NULL, model) : -1;
}

int32_t ov_functions_reshape_single_input(
    const ov_functions *functions, const ov_model *model, int64_t rank, ov_dimension *lengths) {
  int32_t (*reshape)(const ov_model *, ov_partial_shape) =
      (int32_t(*)(const ov_model *, ov_partial_shape))dlsym(functions->library, "ov_model_reshape_single_input");
  ov_partial_shape shape = {{rank, rank}, lengths};
  return reshape ? reshape(model, shape) : -1;
}

int32_t ov_functions_compile(
    const ov_functions *functions, const ov_core *core, const ov_model *model, const char *threads,
    const char *precision, ov_compiled_model **compiled) {
  int32_t (*compile)(const ov_core *, const ov_model *, const char *, size_t, ov_compiled_model **, ...) =
      (int32_t(*)(const ov_core *, const ov_model *, const char *, size_t, ov_compiled_model **, ...))
          dlsym(functions->library, "ov_core_compile_model");
  if (!compile) return -1;
  return compile(
      core, model, "CPU", 8, compiled, "INFERENCE_PRECISION_HINT", precision, "NUM_STREAMS", "1",
      "INFERENCE_NUM_THREADS", threads, "ENABLE_CPU_PINNING", "NO");
}

// Calls a function of the library that takes an object and returns one.
static int32_t make(const ov_functions *functions, const char *name, const void *from, void **made) {
  int32_t (*function)(const void *, void **) = (int32_t(*)(const void *, void **))dlsym(functions->library, name);
  return function ? function(from, made) : -1;
}

static int32_t make_at(
    const ov_functions *functions, const char *name, const void *from, size_t index, void **made) {
  int32_t (*function)(const void *, size_t, void **) =
      (int32_t(*)(const void *, size_t, void **))dlsym(functions->library, name);
  return function ? function(from, index, made) : -1;
}

static int32_t set(const ov_functions *functions, const char *name, void *object, uint32_t value) {
  int32_t (*function)(void *, uint32_t) = (int32_t(*)(void *, uint32_t))dlsym(functions->library, name);
  return function ? function(object, value) : -1;
}

static void release(const ov_functions *functions, const char *name, void *object) {
  void (*function)(void *) = (void (*)(void *))dlsym(functions->library, name);
  if (function && object) function(object);
}

int32_t ov_functions_convert_ports(
    const ov_functions *functions, ov_model **model, size_t inputs, size_t outputs, uint32_t element_type) {
  void *steps = NULL;
  int32_t status = make(functions, "ov_preprocess_prepostprocessor_create", *model, &steps);
  for (size_t index = 0; !status && index < inputs; index++) {
    void *info = NULL, *tensor = NULL;
    status = make_at(functions, "ov_preprocess_prepostprocessor_get_input_info_by_index", steps, index, &info);
    if (!status) status = make(functions, "ov_preprocess_input_info_get_tensor_info", info, &tensor);
    if (!status) status = set(functions, "ov_preprocess_input_tensor_info_set_element_type", tensor, element_type);
    release(functions, "ov_preprocess_input_tensor_info_free", tensor);
    release(functions, "ov_preprocess_input_info_free", info);
  }
  for (size_t index = 0; !status && index < outputs; index++) {
    void *info = NULL, *tensor = NULL;
    status = make_at(functions, "ov_preprocess_prepostprocessor_get_output_info_by_index", steps, index, &info);
    if (!status) status = make(functions, "ov_preprocess_output_info_get_tensor_info", info, &tensor);
    if (!status) status = set(functions, "ov_preprocess_output_set_element_type", tensor, element_type);
    release(functions, "ov_preprocess_output_tensor_info_free", tensor);
    release(functions, "ov_preprocess_output_info_free", info);
  }
  void *converted = NULL;
  if (!status) status = make(functions, "ov_preprocess_prepostprocessor_build", steps, &converted);
  release(functions, "ov_preprocess_prepostprocessor_free", steps);
  if (status) return status;
  functions->model_free(*model);
  *model = converted;
  return 0;
}
