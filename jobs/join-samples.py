#!/usr/bin/env python3
"""Joins sample files, one after another along the first axis.

    join-samples.py PART.npy ... JOINED.npy

Needs only Python. JOINED.npy is created complete or not at all. Parts of
different type or shape are refused.
"""
import ast
import os
import shutil
import struct
import sys


def open_array(path):
    """Opens a `.npy` file at the start of its numbers. Returns it with their type and shape."""
    try:
        file = open(path, "rb")
        if file.read(6) != b"\x93NUMPY":
            raise ValueError("is no .npy file")
        length = struct.unpack("<H", file.read(2 + 2)[2:])[0]
        header = ast.literal_eval(file.read(length).decode("latin-1"))
        count = 1
        for size in header["shape"]:
            count *= size
        expected = file.tell() + count * int(header["descr"][2:])
        if header["fortran_order"] or os.path.getsize(path) != expected:
            raise ValueError("is not a whole file in C order")
        return file, header["descr"], header["shape"]
    except (OSError, ValueError, SyntaxError, struct.error, KeyError) as error:
        sys.exit(f"join-samples.py: {path}: {getattr(error, 'strerror', None) or error}")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    *parts, joined = sys.argv[1:]
    arrays = [open_array(part) for part in parts]
    _, descr, (_, *shape) = arrays[0]
    for part, (_, part_descr, part_shape) in zip(parts, arrays):
        if part_descr != descr or list(part_shape[1:]) != shape:
            sys.exit(f"join-samples.py: {part}: holds {part_descr} {part_shape[1:]}, {parts[0]} {descr} {tuple(shape)}")
    rows = sum(part_shape[0] for _, _, part_shape in arrays)
    header = str({"descr": descr, "fortran_order": False, "shape": (rows, *shape)}).encode()
    # The numbers start at a multiple of 64 bytes.
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    with open(joined + ".partial", "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        for array, _, _ in arrays:
            shutil.copyfileobj(array, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(joined + ".partial", joined)
    print(f"{joined}: {rows} samples of {len(parts)} files")


if __name__ == "__main__":
    main()
