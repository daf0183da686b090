"""piadm's noise in numpy: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, *Parallel
Random Numbers: As Easy as 1, 2, 3*, SC 2011) and the Box-Muller transform.

A number is a function of (seed, stream, step, sample, element). The counter is
(element / 4, step, sample, stream), and the key is the two words of the seed.
"""
import numpy as np

INITIAL_STATE, STEP_NOISE = 0, 1


def philox(counter, key):
    """Returns four words for every counter: an array [..., 4] of unsigned 32-bit numbers."""
    c0, c1, c2, c3 = (counter[..., i].astype(np.uint64) for i in range(4))
    k0, k1 = (np.uint64(word) for word in key)
    mask = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (p1 >> np.uint64(32)) ^ c1 ^ k0, p1 & mask, (p0 >> np.uint64(32)) ^ c3 ^ k1, p0 & mask
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & mask, (k1 + np.uint64(0xBB67AE85)) & mask
    return np.stack([c0, c1, c2, c3], -1)


def normals(seed, stream, steps, sample, dimension):
    """Standard normals [steps, dimension] in double precision."""
    blocks = (dimension + 3) // 4
    counter = np.zeros((len(steps), blocks, 4), np.uint64)
    counter[..., 0] = np.arange(blocks)
    counter[..., 1] = np.asarray(steps)[:, None]
    counter[..., 2], counter[..., 3] = sample, stream
    u = (philox(counter, (seed & 0xFFFFFFFF, seed >> 32)).astype(np.float64) + 0.5) * 2.0**-32
    radius, angle = np.sqrt(-2 * np.log(u[..., 0::2])), 2 * np.pi * u[..., 1::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
    return pairs.reshape(len(steps), -1)[:, :dimension]


def initial_state(seed, sample, dimension):
    return normals(seed, INITIAL_STATE, [0], sample, dimension)[0]


def step_noise(seed, sample, steps, dimension):
    return normals(seed, STEP_NOISE, range(steps), sample, dimension)


def check():
    """Checks Random123's known answers for Philox4x32-10."""
    for counter, key, words in [
        ([0] * 4, (0, 0), [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, (0xFFFFFFFF, 0xFFFFFFFF), [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        ([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], (0xA4093822, 0x299F31D0),
         [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]),
    ]:
        assert philox(np.array(counter, np.uint64), key).tolist() == words, "Philox4x32-10 is not what it should be"
