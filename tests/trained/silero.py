"""Silero VAD's network for 16 kHz, rebuilt around the weights of silero-vad: where somebody speaks."""

import re
from functools import cache

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from trained.packages import file_of
from trained.row import Data
from trained.scores import Scores
from trained.sounds import ALLISON, CARLO, IVRVOICE, JUNE, RATE, phrases

CHUNK, CONTEXT = 512, 64  # samples of a decision, and of what was before them
CHUNKS = 64  # of a clip: 2 seconds
SPEECH = 0.5  # least probability of a chunk in which somebody speaks


class SileroVAD(nn.Module):
    """[N, CHUNKS, CONTEXT + CHUNK] → [N, CHUNKS], the state of the LSTM being carried through a clip."""

    def __init__(self):
        super().__init__()
        self.waves = nn.Conv1d(1, 258, 256, stride=128, bias=False)
        self.encoder = nn.Sequential(
            *(nn.Conv1d(129, 128, 3, padding=1), nn.ReLU()),
            *(nn.Conv1d(128, 64, 3, stride=2, padding=1), nn.ReLU()),
            *(nn.Conv1d(64, 64, 3, stride=2, padding=1), nn.ReLU()),
            *(nn.Conv1d(64, 128, 3, padding=1), nn.ReLU()),
        )
        self.lstm = nn.LSTM(128, 128, batch_first=True)
        self.decoder = nn.Conv1d(128, 1, 1)

    def forward(self, x):
        real, imaginary = self.waves(F.pad(x.flatten(0, 1), (0, 64), mode="reflect").unsqueeze(1)).chunk(2, dim=1)
        features = self.encoder((real.square() + imaginary.square()).sqrt())
        hidden, _ = self.lstm(features.reshape(x.shape[0], CHUNKS, 128))
        return self.decoder(hidden.relu().transpose(1, 2)).sigmoid().squeeze(1)


def own_name(name):
    """What a parameter of the package's module is called here."""
    for theirs, ours in (
        (r"stft\.forward_basis_buffer", "waves.weight"),
        (r"encoder\.(\d)\.reparam_conv\.(\w+)", lambda found: f"encoder.{2 * int(found[1])}.{found[2]}"),
        (r"decoder\.rnn\.(\w+)", r"lstm.\1_l0"),
        (r"decoder\.decoder\.2\.(\w+)", r"decoder.\1"),
    ):
        if re.fullmatch(theirs, name):
            return re.sub(theirs, ours, name)
    raise ValueError(f"silero-vad has a parameter {name!r}, which the network here lacks")


def make(seed):
    """The TorchScript file's weights: the .safetensors beside it holds those of another training."""
    weights = torch.jit.load(file_of("silero_vad", "data/silero_vad.jit"), map_location="cpu").state_dict()
    network, of_16_khz = SileroVAD(), "_model."
    network.load_state_dict(
        {own_name(name.removeprefix(of_16_khz)): w for name, w in weights.items() if name.startswith(of_16_khz)}
    )
    return network.eval()


def clip(samples, generator):
    """A phrase with quiet around it, in noise 5 to 25 dB below it."""
    length = CHUNKS * CHUNK
    speech = samples[: length - RATE // 2]
    heard = np.zeros(CONTEXT + length)
    begin = CONTEXT + generator.integers(0, length - len(speech))
    heard[begin : begin + len(speech)] = speech
    level = np.sqrt(np.square(speech).mean()) * 10 ** (-generator.uniform(5, 25) / 20)
    heard = heard + level * generator.standard_normal(len(heard))
    chunks = [heard[i * CHUNK : i * CHUNK + CONTEXT + CHUNK] for i in range(CHUNKS)]
    return np.stack(chunks).astype(np.float32)


@cache
def data():
    """Two speakers calibrate, two others are heard afterwards."""
    generator = np.random.default_rng(0)

    def of(speakers, count):
        return np.stack([clip(s, generator) for speaker in speakers for s in phrases(speaker, count, 0.8)])

    return Data(of((ALLISON, CARLO), 16), of((JUNE, IVRVOICE), 40))


def score(outputs, wanted, truth):
    """Decisions as PyTorch makes them; a unit is a clip."""
    same = (outputs[0] >= SPEECH) == (wanted[0] >= SPEECH)
    return Scores(same.sum(1), np.full(len(same), CHUNKS))
