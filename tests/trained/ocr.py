"""legere's CRNN: lines of printed text."""

import re
from functools import cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from trained.packages import ROOT, file_of, module_of
from trained.row import Data
from trained.scores import Scores

ABSENT = ("cv2",)
HEIGHT, WIDTH = 32, 416
LETTERS = 28  # of a line at most
CALIBRATION, TEST = 40, 120  # lines; the first calibrate, the ones behind them are read
SIZES = (22, 24, 26)


def make(seed):
    network = module_of("legere.model", *ABSENT).CompactCRNN()
    weights = torch.load(file_of("legere", "data/model.pt"), map_location="cpu", weights_only=True)
    network.load_state_dict(weights["model"])
    return network.eval()


def lines():
    """The licence's own words, broken into lines; each once."""
    words = re.sub(r"\s+", " ", (ROOT / "LICENSE").read_text()).split(" ")
    found, line = [], ""
    for word in words:
        if len(f"{line} {word}") > LETTERS:
            found.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return list(dict.fromkeys(found))


def printed(text, generator):
    """[1, HEIGHT, WIDTH] in [-1, 1]: the line in one of three sizes, blurred and with the grain of a scan."""
    font = ImageFont.load_default(int(generator.choice(SIZES)))
    page = Image.new("L", (WIDTH, HEIGHT), 255)
    ImageDraw.Draw(page).text((4, HEIGHT // 2), text, 0, font, anchor="lm")
    scanned = page.resize((WIDTH * 3 // 4, HEIGHT * 3 // 4)).resize((WIDTH, HEIGHT))
    grain = generator.normal(0, 8, (HEIGHT, WIDTH))
    return (np.clip(np.asarray(scanned) + grain, 0, 255) / 127.5 - 1).astype(np.float32)[None]


@cache
def data():
    generator = np.random.default_rng(0)
    texts = lines()[: CALIBRATION + TEST]
    pages = np.stack([printed(text, generator) for text in texts])
    return Data(pages[:CALIBRATION], pages[CALIBRATION:], texts[CALIBRATION:])


def edits(a, b):
    """Least number of letters to add, drop or replace between two texts."""
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        row, before = [i], row
        for j, other in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != other)))
    return row[-1]


def score(outputs, wanted, texts):
    """100 % less the character error rate; a unit is a line."""
    read = module_of("legere.model", *ABSENT).ctc_greedy_decode(torch.from_numpy(outputs[0].astype(np.float32)))
    wrong = np.array([edits(found.strip(), text) for found, text in zip(read, texts, strict=True)])
    letters = np.array([len(text) for text in texts])
    return Scores(letters - wrong, letters)
