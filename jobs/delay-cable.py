#!/usr/bin/env python3
"""A cable between two network interfaces that delays every frame, for kernels
without netem.

    delay-cable.py ONE OTHER MICROSECONDS

ONE and OTHER are TAP interfaces (`ip tuntap add mode tap`); what is sent into
one comes out of the other after that time.
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
    # Before the ranks, which fill the processors: a cable has no queue for them.
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    leads_to = {one: other, other: one}
    # Frames under way: when each is due, where to, and what it is. All take the
    # same time, so the first in is the first out.
    under_way = collections.deque()
    while True:
        # It wakes a millisecond early: waking up may take longer than the delay.
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
