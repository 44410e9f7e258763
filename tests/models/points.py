"""PointNet (Qi et al. 2017): every point through one small network, the largest answer of each kind is the cloud's."""

import torch
from torch import nn
from torch.nn import functional as F


def shared(in_channels, out_channels):
    """The same layer at every point."""
    return nn.Sequential(nn.Conv1d(in_channels, out_channels, 1), nn.BatchNorm1d(out_channels), nn.ReLU())


class Alignment(nn.Module):
    """A matrix of size × size that turns the cloud before it is read."""

    def __init__(self, size):
        super().__init__()
        self.size = size
        self.points = nn.Sequential(shared(size, 32), shared(32, 64))
        self.matrix = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, size * size))

    def forward(self, x):
        largest, _ = torch.max(self.points(x), dim=2)
        matrix = self.matrix(largest).view(-1, self.size, self.size)
        return matrix + torch.eye(self.size, dtype=x.dtype, device=x.device)


class PointNet(nn.Module):
    """[N, 3, points] → log probabilities of the cloud, and of each of its points."""

    def __init__(self, classes=10, parts=4):
        super().__init__()
        self.turn, self.turn_features = Alignment(3), Alignment(16)
        self.low, self.high = shared(3, 16), nn.Sequential(shared(16, 32), shared(32, 64))
        self.cloud = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, classes))
        self.part = nn.Sequential(shared(16 + 64, 32), nn.Conv1d(32, parts, 1))

    def forward(self, x):
        x = torch.bmm(self.turn(x), x)
        x = self.low(x)
        x = torch.bmm(self.turn_features(x), x)
        whole = self.high(x).max(dim=2, keepdim=True).values
        parts = self.part(torch.cat([x, whole.expand(-1, -1, x.shape[2])], dim=1))
        return F.log_softmax(self.cloud(whole.flatten(1)), dim=1), F.log_softmax(parts, dim=1)
