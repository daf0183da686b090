#!/usr/bin/env python3
"""Classifies generated 8x8 digits.  classify-digits.py SAMPLES.npy

An unconditional model has no intended label. A sample therefore counts as
recognized when two independently trained classifiers of different families
name the same digit and the first is confident:

- a support vector machine, with probabilities calibrated by cross-validation,
  must be as confident as it is for 98% of the real held-out digits;
- five nearest neighbours must name the same digit.

Both are trained on the four fifths of scikit-learn's digits that also trained
the network. The held-out fifth sets the threshold, and its score is printed for
comparison. Noise images show that the test can fail. Prints the fraction of
recognized samples and the count of each digit. Exits with 1 if the fraction is
below 0.9, or if a digit is missing among 100 or more samples.
"""
import sys

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

REQUIRED, REACHED_BY = 0.9, 0.98


def read(machine, neighbours, threshold, images):
    probability = machine.predict_proba(images)
    label = machine.classes_[probability.argmax(1)]
    return label, (probability.max(1) >= threshold) & (label == neighbours.predict(images))


def main(path):
    pixels, labels = load_digits(return_X_y=True)
    train, held_out, train_labels, held_out_labels = train_test_split(
        pixels / 8 - 1, labels, test_size=0.2, random_state=0, stratify=labels)
    # The kernel is four times narrower than scikit-learn's default, so that noise is
    # not classified as a digit.
    machine = CalibratedClassifierCV(SVC(gamma=1 / 16), method="sigmoid", cv=5, ensemble=False).fit(train, train_labels)
    neighbours = KNeighborsClassifier(5).fit(train, train_labels)
    print(f"accuracy on held-out digits: SVM {machine.score(held_out, held_out_labels):.3f}, "
          f"nearest neighbours {neighbours.score(held_out, held_out_labels):.3f}")
    threshold = np.quantile(machine.predict_proba(held_out).max(1), 1 - REACHED_BY)
    print(f"confidence that {REACHED_BY:.0%} of held-out digits reach: {threshold:.3f}")

    def fraction(images):
        return read(machine, neighbours, threshold, images)[1].mean()

    generator = np.random.default_rng(0)
    print(f"read correctly: held-out digits {fraction(held_out):.3f}")
    print(f"read correctly: Gaussian noise {fraction(generator.standard_normal((1000, 64))):.3f}")
    print(f"read correctly: held-out digits with their pixels shuffled "
          f"{fraction(generator.permuted(held_out, axis=1)):.3f}")

    samples = np.load(path).astype(np.float64)
    samples = samples.reshape(len(samples), -1)
    if samples.shape[1] != 64 or not len(samples) or not np.isfinite(samples).all():
        sys.exit(f"{path}: needed finite samples of 64 values each, found {samples.shape}")
    label, good = read(machine, neighbours, threshold, samples)
    counts = np.bincount(label[good], minlength=10)
    print(f"read correctly: {path} {good.mean():.3f} of {len(samples)}")
    print("digits 0 to 9:", *counts)
    nearest = KNeighborsClassifier(1).fit(train, train_labels)
    print(f"median distance to the nearest training digit: samples {np.median(nearest.kneighbors(samples)[0]):.2f}, "
          f"held-out digits {np.median(nearest.kneighbors(held_out)[0]):.2f}")
    if good.mean() < REQUIRED:
        sys.exit(f"{path}: {good.mean():.3f} are read correctly, below {REQUIRED}")
    if len(samples) >= 100 and not counts.all():
        sys.exit(f"{path}: digits never drawn: {np.flatnonzero(counts == 0).tolist()}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: classify-digits.py SAMPLES.npy")
    main(sys.argv[1])
