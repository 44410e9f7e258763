"""The table: every trained network with its data, its metric, its floor."""

from trained import crepe, digits, mtcnn, ocr, silero, voice
from trained.row import TrainedNetwork

NETWORKS = {
    "digits_cnn": TrainedNetwork(
        digits.cnn, digits.data, "digits right", digits.score, 34, largest_loss=0.3, seeds=10, in_tests=True
    ),
    "digits_vit": TrainedNetwork(
        digits.vit, digits.data, "digits right", digits.score, 30, largest_loss=0.4, seeds=10, in_tests=True
    ),
    "crepe_tiny": TrainedNetwork(crepe.make, crepe.data, "pitch as PyTorch", crepe.score, 24, in_tests=True),
    "silero_vad": TrainedNetwork(
        silero.make, silero.data, "decisions as PyTorch", silero.score, 24, batch=8, in_tests=True
    ),
    "legere": TrainedNetwork(ocr.make, ocr.data, "letters right", ocr.score, 25, batch=8),
    "mtcnn_p": TrainedNetwork(
        mtcnn.make("PNet"), mtcnn.data(12), "decisions as PyTorch", mtcnn.score_decisions("PNet"), 19
    ),
    "mtcnn_r": TrainedNetwork(
        mtcnn.make("RNet"), mtcnn.data(24), "decisions as PyTorch", mtcnn.score_decisions("RNet"), 22
    ),
    "mtcnn_o": TrainedNetwork(
        mtcnn.make("ONet"), mtcnn.data(48), "landmarks as PyTorch", mtcnn.score_landmarks, 21, in_tests=True
    ),
    "resemblyzer": TrainedNetwork(voice.make, voice.data, "speakers right", voice.score, 34, batch=8),
}
