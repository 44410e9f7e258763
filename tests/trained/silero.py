"""Silero VAD's network for 16 kHz, rebuilt around the weights of silero-vad: where somebody speaks."""

from functools import cache

import numpy as np
from safetensors.torch import load_file
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
        self.stft_conv = nn.Conv1d(1, 258, 256, stride=128, bias=False)
        self.conv1 = nn.Conv1d(129, 128, 3, padding=1)
        self.conv2 = nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.conv4 = nn.Conv1d(64, 128, 3, padding=1)
        self.lstm = nn.LSTM(128, 128, batch_first=True)
        self.final_conv = nn.Conv1d(128, 1, 1)

    def forward(self, x):
        spectrum = self.stft_conv(F.pad(x.flatten(0, 1), (0, 64), mode="reflect").unsqueeze(1))
        real, imaginary = spectrum.chunk(2, dim=1)
        features = (real.square() + imaginary.square()).sqrt()
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            features = conv(features).relu()
        hidden, _ = self.lstm(features.reshape(x.shape[0], CHUNKS, 128))
        return self.final_conv(hidden.relu().transpose(1, 2)).sigmoid().squeeze(1)


def make(seed):
    weights = load_file(file_of("silero_vad", "data/silero_vad_16k.safetensors"))
    # The package has one step of the LSTM (a cell); a layer of it calls the same weights by other names.
    names = {name: name.replace("lstm_cell.", "lstm.") for name in weights}
    names.update({name: f"{new}_l0" for name, new in names.items() if new.startswith("lstm.")})
    network = SileroVAD()
    network.load_state_dict({names[name]: value for name, value in weights.items()})
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
