"""From a live PyTorch module to an INT8 ONNX file: transform, quantize, train with quantization, export.

python quickstart.py [FOLDER]        writes FOLDER/digits_int8.onnx; needs graftwork, scikit-learn, onnxruntime
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from graftwork import transform
from graftwork.onnx import export_onnx
from graftwork.quantize import freeze_weights, quantize
from sklearn.datasets import load_digits
from torch import nn


class Network(nn.Module):
    """A residual CNN for digits of 8×8 pixels."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.conv1, self.bn1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.relu, self.pool, self.fc = nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        y = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(y)) + x)
        return self.fc(torch.flatten(self.pool(x), 1))


def train(model: nn.Module, x: torch.Tensor, y: torch.Tensor, epochs: int, rate: float) -> None:
    """Ordinary training: it knows nothing of quantization."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), rate)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
    model.eval()


def accuracy(logits: torch.Tensor, y: torch.Tensor) -> float:
    return float((logits.argmax(1) == y).float().mean()) * 100


def main(folder: Path) -> None:
    warnings.filterwarnings("ignore", category=FutureWarning)  # torch.export's own
    torch.manual_seed(0)
    digits = load_digits()
    x = torch.from_numpy(digits.images[:, None].astype(np.float32) / 8 - 1)
    y = torch.from_numpy(digits.target)
    train_x, train_y, test_x, test_y = x[:1257], y[:1257], x[1257:], y[1257:]
    model = Network()
    train(model, train_x, train_y, epochs=6, rate=3e-3)

    # A kernel of TensorRT each; the model's own modules and parameters are inside.
    res = transform(model, (train_x[:4],), dynamic_shapes=({0: torch.export.Dim("batch")},))
    print(*res.matches[-5:], sep="\n")

    # Q/DQ where they pay, ranges from a loop of one's own, then training goes on with them in place.
    q = quantize(res.model, (train_x[:4],), forward_loop=lambda m: [m(batch) for batch in train_x[:512].split(64)])
    print(q.report)
    with torch.no_grad():
        float_logits, calibrated = model(test_x), q(test_x)
    train(q, train_x, train_y, epochs=1, rate=3e-4)
    freeze_weights(q)

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "digits_int8.onnx"
    export_onnx(q, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    logits = torch.from_numpy(session.run(None, {"x": test_x.numpy()})[0])
    with torch.no_grad():
        trained = q(test_x)
    print(f"{accuracy(float_logits, test_y):6.2f} %  float")
    print(f"{accuracy(calibrated, test_y):6.2f} %  calibrated")
    print(f"{accuracy(trained, test_y):6.2f} %  trained with quantization")
    print(f"{accuracy(logits, test_y):6.2f} %  {path} in ONNX Runtime")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
