"""The three networks of MTCNN out of facenet-pytorch, on windows of crops that are a face or are none."""

from functools import cache

import numpy as np
import torch
from torch.nn import functional as F

from trained.packages import file_of, module_of
from trained.row import Data
from trained.scores import Scores

ABSENT = ("torchvision", "requests")
CROP = 25  # pixels of scikit-image's 200 crops, of which the first 100 are faces
FACES = 100
CALIBRATION = 24  # crops of each kind; the others are judged
WINDOWS = 9  # of a crop: all of it, and the corners of two sizes, as a detector's windows lie beside a face
THRESHOLDS = {"PNet": 0.6, "RNet": 0.7}  # MTCNN's own
NEAR = 0.01  # of the window's size: how far a landmark may lie from PyTorch's
LANDMARKS = 5


def make(name):
    def network(seed):
        return getattr(module_of("facenet_pytorch.models.mtcnn", *ABSENT), name)().eval()

    return network


def windows(size):
    """Of scikit-image's part of Labeled Faces in the Wild, [200 × WINDOWS, 3, size, size] in [-1, 1)."""
    grey = torch.from_numpy(np.load(file_of("skimage", "data/lfw_subset.npy"))).float()[:, None]
    cut = [grey]
    for extent in (21, 17):
        rest = CROP - extent
        cut += [grey[:, :, y : y + extent, x : x + extent] for y in (0, rest) for x in (0, rest)]
    sized = [F.interpolate(part, (size, size), mode="bilinear", antialias=True) for part in cut]
    levels = (torch.stack(sized, 1).flatten(0, 1) * 255 - 127.5) / 128
    return np.ascontiguousarray(levels.expand(-1, 3, -1, -1).numpy())


def data(size):
    def split():
        calibrates = np.repeat(np.arange(2 * FACES) % FACES < CALIBRATION, WINDOWS)
        cut = windows(size)
        return Data(cut[calibrates][::3], cut[~calibrates])

    return cache(split)


def score_decisions(name):
    """Windows held for a face, or not, as PyTorch does; a unit is a crop."""

    def score(outputs, wanted, truth):
        is_face, is_face_in_float = (
            values[-1].reshape(-1, WINDOWS, 2)[:, :, 1] >= THRESHOLDS[name] for values in (outputs, wanted)
        )
        return Scores((is_face == is_face_in_float).sum(1), np.full(len(is_face), WINDOWS))

    return score


def score_landmarks(outputs, wanted, truth):
    """Eyes, nose and mouth where PyTorch sees them, in the windows that PyTorch holds for a face; a unit is a crop."""
    (_, points, _), (_, points_in_float, face_in_float) = outputs, wanted
    apart = (points - points_in_float).reshape(-1, WINDOWS, 2, LANDMARKS)
    is_face = face_in_float.reshape(-1, WINDOWS, 2)[:, :, 1] >= 0.7
    near = (np.hypot(apart[:, :, 0], apart[:, :, 1]) <= NEAR) & is_face[:, :, None]
    return Scores(near.sum((1, 2)), LANDMARKS * is_face.sum(1))
