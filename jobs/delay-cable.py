#!/usr/bin/env python3
"""A cable between two network interfaces that delays every frame, for kernels
without netem.

    delay-cable.py ONE OTHER MICROSECONDS

ONE and OTHER are TAP interfaces (`ip tuntap add mode tap`). A frame that enters
one leaves the other after this time.
"""
import collections
import fcntl
import os
import select
import struct
import sys
import time

# linux/if_tun.h
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000


def attach(name):
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return end


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    one, other = attach(sys.argv[1]), attach(sys.argv[2])
    delay = float(sys.argv[3]) / 1e6
    # Priority over the ranks, which occupy all processors: a cable never waits for a processor.
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    leads_to = {one: other, other: one}
    # Frames in transit: due time, destination, content. The delay is the same for all,
    # so the order is first in, first out.
    under_way = collections.deque()
    while True:
        # Wake up a millisecond early: the wake-up may take longer than the delay.
        wait = max(0, under_way[0][0] - time.monotonic() - 0.001) if under_way else None
        ready, _, _ = select.select(list(leads_to), [], [], wait)
        now = time.monotonic()
        for end in ready:
            under_way.append((now + delay, leads_to[end], os.read(end, 65536)))
        while under_way and under_way[0][0] <= time.monotonic():
            _, end, frame = under_way.popleft()
            try:
                os.write(end, frame)
            except (BlockingIOError, OSError):
                # The other end is full or down: the frame is lost, as on a wire.
                pass


if __name__ == "__main__":
    main()
