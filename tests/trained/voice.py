"""Resemblyzer's voice encoder: who speaks."""

from functools import cache

import numpy as np
from transformers.audio_utils import mel_filter_bank

from trained.packages import module_of
from trained.row import Data
from trained.scores import each
from trained.sounds import RATE, SPEAKERS, phrases

ABSENT = ("librosa", "webrtcvad")
FRAMES, BANDS = 160, 40  # 1.6 seconds
SIZE, HOP = 400, 160
LOUDNESS = 10 ** (-30 / 20)  # root mean square that quieter sound is brought to
CALIBRATION, TEST = 8, 40  # phrases of each speaker


def make(seed):
    return module_of("resemblyzer.voice_encoder", *ABSENT).VoiceEncoder("cpu", verbose=False).eval()


@cache
def mel_bands():
    """[SIZE // 2 + 1, BANDS], as librosa has them by default."""
    return mel_filter_bank(SIZE // 2 + 1, BANDS, 0, RATE / 2, RATE, norm="slaney", mel_scale="slaney")


def spectrogram(samples):
    """[FRAMES, BANDS]: the power of the middle of a phrase by step and band."""
    length = (FRAMES - 1) * HOP + SIZE
    begin = (len(samples) - length) // 2
    heard = samples[begin : begin + length].astype(np.float64)
    heard *= max(1, LOUDNESS / np.sqrt(np.square(heard).mean()))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)
    steps = np.lib.stride_tricks.sliding_window_view(heard, SIZE)[::HOP]
    return (np.square(np.abs(np.fft.rfft(steps * window))) @ mel_bands()).astype(np.float32)


@cache
def data():
    """Phrases of four speakers calibrate, other phrases of theirs are judged; the truth is who speaks."""

    def of(count, begin):
        return np.stack([spectrogram(s) for speaker in SPEAKERS for s in phrases(speaker, count, 1.7, begin)])

    return Data(of(CALIBRATION, 0), of(TEST, CALIBRATION), np.repeat(np.arange(len(SPEAKERS)), TEST))


def score(outputs, wanted, speakers):
    """Each phrase is given to the speaker whose first phrase of the test set its embedding is nearest to."""
    embeddings = outputs[0]
    first = [int(np.flatnonzero(speakers == speaker)[0]) for speaker in np.unique(speakers)]
    nearest = (embeddings @ embeddings[first].T).argmax(1)
    others = np.setdiff1d(np.arange(len(speakers)), first)
    return each((nearest == speakers)[others])
