#!/usr/bin/env python3
"""Builds a plug-in from a model in Python: the library holds the source and starts an interpreter.

    apt-get install python3-dev gcc
    python3 -m venv .venv && .venv/bin/pip install numpy cffi setuptools
    .venv/bin/python jobs/plugins/embed.py jobs/plugins/empirical.py empirical.so
    piadm sample plugin:empirical.so:DATA.npy

The source defines a class `Model`, as empirical.py does. The interpreter finds
the packages of the one that runs this script.
"""
import pathlib
import sys
import sysconfig
import tempfile

import cffi

DECLARATIONS = """
    typedef struct piadm_score piadm_score;
    int32_t piadm_score_version(void);
    piadm_score *piadm_score_create(const char *config);
    int64_t piadm_score_dimension(piadm_score *model);
    int32_t piadm_score_shape(piadm_score *model, int64_t *lengths);
    int32_t piadm_score_prediction(piadm_score *model);
    int32_t piadm_score_evaluate(piadm_score *model, int64_t rows, const double *alpha, const double *sigma,
                                 const double *states, double *output);
    const char *piadm_score_last_error(piadm_score *model);
    void piadm_score_destroy(piadm_score *model);
"""

# Modules in C expect the interpreter's symbols to be everybody's; the library
# that brings them here was loaded for the plug-in alone.
SOURCE = """
    #include <dlfcn.h>
    #include "piadm_score.h"
    __attribute__((constructor)) static void share_interpreter(void) {
      dlopen("%s", RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
    }
"""

GLUE = '''
import numpy as np
from _piadm_score import ffi

models, reason = {}, ffi.new("char[]", b"")


def explain(kind, error, traceback):
    global reason
    reason = ffi.new("char[]", f"{kind.__name__}: {error}".encode())


def array(pointer, *shape):
    return np.frombuffer(ffi.buffer(pointer, 8 * int(np.prod(shape)))).reshape(shape)


@ffi.def_extern()
def piadm_score_version():
    return 1


@ffi.def_extern(error=ffi.NULL, onerror=explain)
def piadm_score_create(config):
    model = Model(ffi.string(config).decode())
    handle = ffi.new_handle(model)
    models[handle] = model
    return ffi.cast("piadm_score *", handle)


def model_of(handle):
    return models[ffi.cast("void *", handle)]


@ffi.def_extern(onerror=explain)
def piadm_score_dimension(handle):
    return int(np.prod(model_of(handle).shape))


@ffi.def_extern(onerror=explain)
def piadm_score_shape(handle, lengths):
    shape = model_of(handle).shape
    lengths[0:len(shape)] = shape
    return len(shape)


@ffi.def_extern(error=-1, onerror=explain)
def piadm_score_prediction(handle):
    return ["score", "noise", "velocity", "sample", "denoiser", "flow"].index(model_of(handle).predicts)


@ffi.def_extern(error=1, onerror=explain)
def piadm_score_evaluate(handle, rows, alpha, sigma, states, output):
    model = model_of(handle)
    column = (rows,) + (1,) * len(model.shape)
    prediction = model.predict(array(states, rows, *model.shape), array(alpha, *column), array(sigma, *column))
    array(output, rows, *model.shape)[...] = prediction
    return 0


@ffi.def_extern()
def piadm_score_last_error(handle):
    return reason


@ffi.def_extern()
def piadm_score_destroy(handle):
    del models[ffi.cast("void *", handle)]
'''


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: embed.py MODEL.py LIB.so")
    model, library = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    here = pathlib.Path(__file__).resolve()
    # The header in a checkout, and where `cmake --install` puts it.
    headers = [here.parents[2] / "Sources/CScorePlugin/include", here.parents[4] / "include"]
    builder = cffi.FFI()
    builder.embedding_api(DECLARATIONS)
    builder.set_source(
        "_piadm_score", SOURCE % sysconfig.get_config_var("INSTSONAME"), include_dirs=[str(folder) for folder in headers])
    builder.embedding_init_code(f"import sys\nsys.path[:] = {sys.path[1:]!r}\n{model.read_text()}\n{GLUE}")
    with tempfile.TemporaryDirectory() as folder:
        builder.compile(tmpdir=folder, target=str(library))


if __name__ == "__main__":
    main()
