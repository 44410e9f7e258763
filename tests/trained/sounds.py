"""Spoken phrases of four people, 8 kHz mono as telephones have it, brought to the 16 kHz that networks read."""

import wave

import numpy as np
from scipy.signal import resample_poly

from trained.packages import recordings_of

ALLISON, CARLO = "en_US_f_Allison", "it_IT_m_Carlo"
JUNE, IVRVOICE = "fr_CA_f_June", "ru_RU_f_IvrvoiceRU"
SPEAKERS = (ALLISON, CARLO, JUNE, IVRVOICE)
RATE = 16000


def read(path):
    """float32 in [-1, 1] at RATE."""
    with wave.open(str(path)) as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE // 2):
            raise ValueError(f"{path} is not 16 bit mono at {RATE // 2} Hz")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768.0
    return resample_poly(samples, 2, 1).astype(np.float32)


def phrases(speaker, count, seconds, begin=0):
    """`count` recordings of at least so many seconds, after the first `begin` of them."""
    found = []
    for path in recordings_of(speaker):
        samples = read(path)
        if len(samples) >= seconds * RATE:
            found.append(samples)
        if len(found) == begin + count:
            return found[begin:]
    raise ValueError(f"{speaker}: {len(found)} recordings of {seconds} s, {begin + count} are needed")
