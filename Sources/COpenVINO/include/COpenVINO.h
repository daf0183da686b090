// OpenVINO's C library, loaded at run time.
//
// This shim exists so that the program builds, and runs closed-form targets,
// on machines without OpenVINO; and because ov_core_compile_model is variadic,
// which Swift cannot call. The declarations are those of OpenVINO's C API
// 2023.1 and later, reduced to what one network on one CPU needs.
#ifndef COPENVINO_H
#define COPENVINO_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef struct ov_core ov_core;
typedef struct ov_model ov_model;
typedef struct ov_compiled_model ov_compiled_model;
typedef struct ov_infer_request ov_infer_request;
typedef struct ov_port ov_port;
typedef struct ov_tensor ov_tensor;

typedef struct {
  const char *_Nullable build_number;
  const char *_Nullable description;
} ov_version;

typedef struct {
  int64_t rank;
  int64_t *_Nullable dimensions;
} ov_shape;

// An interval; min == max is a fixed size, max == -1 has no bound.
typedef struct {
  int64_t min;
  int64_t max;
} ov_dimension;

typedef struct {
  ov_dimension rank;
  ov_dimension *_Nullable dimensions;
} ov_partial_shape;

// Functions of the library by OpenVINO's own names, less the prefix `ov_`.
// Those that return int32_t return 0 on success.
typedef struct {
  void *library;

  int32_t (*get_openvino_version)(ov_version *);
  void (*version_free)(ov_version *);
  const char *_Nullable (*_Nonnull get_error_info)(int32_t);
  const char *_Nullable (*_Nonnull get_last_err_msg)(void);
  void (*free)(const char *_Nullable);

  int32_t (*core_create)(ov_core *_Nullable *_Nonnull);
  void (*core_free)(ov_core *);
  int32_t (*core_read_model)(
      const ov_core *, const char *, const char *_Nullable, ov_model *_Nullable *_Nonnull);
  void (*model_free)(ov_model *);
  int32_t (*model_inputs_size)(const ov_model *, size_t *);
  int32_t (*model_outputs_size)(const ov_model *, size_t *);
  int32_t (*model_const_input_by_index)(const ov_model *, size_t, ov_port *_Nullable *_Nonnull);
  int32_t (*model_const_output_by_index)(const ov_model *, size_t, ov_port *_Nullable *_Nonnull);

  int32_t (*port_get_any_name)(const ov_port *, char *_Nullable *_Nonnull);
  int32_t (*port_get_element_type)(const ov_port *, uint32_t *);
  int32_t (*port_get_partial_shape)(const ov_port *, ov_partial_shape *);
  void (*partial_shape_free)(ov_partial_shape *);
  void (*output_const_port_free)(ov_port *);

  void (*compiled_model_free)(ov_compiled_model *);
  int32_t (*compiled_model_create_infer_request)(
      const ov_compiled_model *, ov_infer_request *_Nullable *_Nonnull);
  void (*infer_request_free)(ov_infer_request *);
  int32_t (*infer_request_set_input_tensor_by_index)(
      ov_infer_request *, size_t, const ov_tensor *);
  int32_t (*infer_request_set_output_tensor_by_index)(
      ov_infer_request *, size_t, const ov_tensor *);
  int32_t (*infer_request_infer)(ov_infer_request *);

  int32_t (*tensor_create)(uint32_t, ov_shape, ov_tensor *_Nullable *_Nonnull);
  int32_t (*tensor_create_from_host_ptr)(
      uint32_t, ov_shape, void *, ov_tensor *_Nullable *_Nonnull);
  int32_t (*tensor_get_byte_size)(const ov_tensor *, size_t *);
  void (*tensor_free)(ov_tensor *);
} ov_functions;

// Loads the library at `path` (a name without a slash is looked up by the
// loader). On failure returns NULL and leaves the reason in `reason`.
ov_functions *_Nullable ov_functions_load(const char *path, char *reason, size_t capacity);

// Gives the only input of a model a shape without free axes.
int32_t ov_functions_reshape_single_input(
    const ov_functions *functions, const ov_model *model, int64_t rank, ov_dimension *lengths);

// Replaces a model by one whose inputs and outputs, so many of them, are of an
// element type, and converted within.
int32_t ov_functions_convert_ports(
    const ov_functions *functions, ov_model *_Nullable *_Nonnull model, size_t inputs, size_t outputs,
    uint32_t element_type);

// Reads a model that is in memory. Returns -1 where the library cannot.
int32_t ov_functions_read_bytes(
    const ov_functions *functions, const ov_core *core, const uint8_t *bytes, size_t count,
    ov_model *_Nullable *_Nonnull model);

// Compiles a model for the CPU: one stream, `threads` threads ("1", "2", ...)
// that are not pinned to cores, arithmetic in `precision` ("f32").
int32_t ov_functions_compile(
    const ov_functions *functions, const ov_core *core, const ov_model *model, const char *threads,
    const char *precision, ov_compiled_model *_Nullable *_Nonnull compiled);

#pragma clang assume_nonnull end
#endif
