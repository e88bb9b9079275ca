"""Points of many dimensions on the plane on which they spread most (PCA)."""

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.products import product


def principal_plane(points: FloatArray) -> tuple[FloatArray, tuple[float, float]]:
    """The points in the coordinates of their first two principal axes, and the share of the
    variance that each axis holds.

    Shapes: points (n, d) → (n, 2). Axes are turned so that the entry of an axis farthest from zero
    is positive, so the same points give the same picture. Fewer axes than two are filled with 0.
    Source: Pearson 1901, "On lines and planes of closest fit".

    >>> principal_plane(np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]]))[0].tolist()
    [[-2.0, 0.0], [0.0, 0.0], [2.0, 0.0]]
    """
    centered = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)  # (n, d)
    _, lengths, axes = np.linalg.svd(centered, full_matrices=False)  # (k,), (k, d)
    axes = axes[:2]
    turned = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)  # (2, 1)
    axes = axes * np.where(turned < 0, -1, 1)
    plane = np.zeros((len(points), 2))
    plane[:, : len(axes)] = product(centered, axes.T)  # (n, 2)
    plane[np.abs(plane) < 1e-12 * max(lengths.max(initial=0.0), 1e-300)] = 0.0
    total = float((lengths**2).sum())
    shares = [float(length**2 / total) if total else 0.0 for length in lengths[:2]]
    first, second = (*shares, 0.0, 0.0)[:2]
    return plane, (first, second)
