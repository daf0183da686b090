"""What the examples share: they make data, draw posterior samples, compare and draw a sheet."""
import argparse
from pathlib import Path

import numpy as np

import piadm
from posterior import METHODS, write

#: A continuous-time grid that ends at noise of variance 1e-5, far below that of the data.
OPTIONS = dict(method="piadm-sde", early_stop=1e-5, seed=1, precision="double", batch=64, window=32, chunk=4)


def run(file, text, operator, noise, shape, truth, methods, exact=None):
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ranks", type=int)
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--methods", nargs="+", default=methods, metavar="METHOD", help=", ".join(METHODS))
    options = parser.parse_args()
    methods = options.methods
    options.folder.mkdir(parents=True, exist_ok=True)
    if isinstance(truth, str):
        truth = piadm.sample(truth, method="ddpm", steps=1000, seed=5, solver="sequential", progress=False).samples.ravel().astype(float)
    data = operator @ truth + noise * np.random.default_rng(11).standard_normal(len(operator))
    # The data at the places that they are of.
    pictures = [truth, operator.T @ data / np.maximum(operator.T @ np.ones(len(data)), 1e-9)]
    for method in methods:
        problem = options.folder / f"{method}.npz"
        write(problem, operator, data, noise, method)
        samples, report = piadm.sample(
            f"plugin:{file}:{problem}", samples=options.samples, steps=options.steps,
            ranks=options.ranks, out=options.folder / f"{method}.npy", **OPTIONS)
        flat = samples.reshape(len(samples), -1)
        misfit = np.sqrt((((flat @ operator.T - data) / noise) ** 2).mean())
        print(f"{method:9} data missed by {misfit:.2f} noise deviations (root mean square), spread "
              f"{flat.std(0).mean():.3f}, truth {np.sqrt(((flat.mean(0) - truth) ** 2).mean()):.3f} from the mean, "
              f"{report['rounds']} rounds, digest {report['digest'][:12]}")
        if exact is not None:
            compare(flat, exact.posterior(*(exact.mean.new_tensor(value) for value in (operator, data)), noise))
        pictures += [flat.mean(0), 4 * flat.std(0) - 1, *flat[:6]]
    sheet(pictures, shape[-2:], 8, options.folder / "sheet.png")
    print(f"{options.folder / 'sheet.png'}: truth and data, then mean, 4 x spread - 1 and samples of {', '.join(methods)}")


def compare(samples, posterior):
    """With the closed form, in standard errors."""
    mean, covariance = (value.numpy() for value in posterior)
    deviation = np.sqrt(np.diag(covariance))
    error = np.abs(samples.mean(0) - mean) / (deviation / np.sqrt(len(samples)))
    ratio = samples.std(0, ddof=1) / deviation
    print(f"          mean off by {np.sqrt((error**2).mean()):.2f} standard errors (root mean square), spread "
          f"{ratio.mean():.3f} of the closed form's")


def sheet(pictures, size, columns, file, side=64):
    """Truth and data in the first row, then a row of eight for each method."""
    from PIL import Image

    height, width = size
    factor = max(1, side // height)
    rows = [pictures[:2]] + [pictures[first:first + columns] for first in range(2, len(pictures), columns)]
    canvas = Image.new("L", (columns * (width * factor + 4) + 4, len(rows) * (height * factor + 4) + 4), 96)
    for top, row in enumerate(rows):
        for left, picture in enumerate(row):
            grey = np.uint8(np.clip((np.asarray(picture).reshape(size) + 1) * 127.5, 0, 255))
            image = Image.fromarray(grey).resize((width * factor, height * factor), Image.NEAREST)
            canvas.paste(image, (4 + left * (width * factor + 4), 4 + top * (height * factor + 4)))
    canvas.save(file)
