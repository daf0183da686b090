"""The loops of `piadm bench mpi` with mpi4py, for comparison.

    mpirun -n 2 python3 mpi4py_times.py

Buffers are NumPy arrays and calls the upper-case ones, mpi4py's fast path.
"""

import numpy as np
from mpi4py import MPI

world = MPI.COMM_WORLD
rank = world.rank


def ping_pong(buffer, repeats):
    for _ in range(repeats):
        if rank == 0:
            world.Send(buffer, 1)
            world.Recv(buffer, 1)
        elif rank == 1:
            world.Recv(buffer, 0)
            world.Send(buffer, 0)


def all_reduce(buffer, repeats):
    for _ in range(repeats):
        world.Allreduce(MPI.IN_PLACE, buffer)


def seconds(loop, buffer):
    """The fastest tenth of runs of about 0.4 ms, for a quarter of a second, as
    `piadm bench mpi` measures Swift and C."""
    loop(buffer, 10)

    def timed(repeats):
        world.Barrier()
        start = MPI.Wtime()
        loop(buffer, repeats)
        return MPI.Wtime() - start

    estimate = world.allreduce(timed(10), MPI.MAX) / 10
    repeats = max(2, int(0.0004 / estimate))
    runs = max(10, int(0.25 / (repeats * estimate)))
    times = sorted(timed(repeats) for _ in range(runs))
    return times[(runs - 1) // 10] / repeats


for name, loop, dtype, share in [
    ("ping-pong", ping_pong, np.uint8, 2),
    ("all-reduce", all_reduce, np.float64, 1),
]:
    if rank == 0:
        print(f"{name} on {world.size} ranks\n     bytes  mpi4py [us]")
    for size in [1 << power for power in range(3, 23)]:
        time = seconds(loop, np.zeros(size // np.dtype(dtype).itemsize, dtype)) / share
        if rank == 0:
            print(f"{size:10d} {time * 1e6:12.3f}")
