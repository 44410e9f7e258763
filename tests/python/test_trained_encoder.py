"""A trained sentence encoder keeps its embeddings. Skips where the package with its weights is missing."""

import pytest

import trained_encoder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The network, its folder with m.pt2 and calibration.npz, and every fourth sentence of the test set."""
    try:
        network = trained_encoder.encoder()
    except trained_encoder.Missing as why:
        pytest.skip(str(why))
    folder = tmp_path_factory.mktemp("encoder")
    calibration, test = trained_encoder.texts()
    trained_encoder.write_network(network, calibration, folder)
    return network, folder, test[::4]


@pytest.mark.parametrize(
    ("recipe", "mean", "least"),
    [
        ("default", 0.99, 0.98),
        ("minmax", 0.975, 0.94),
        ("outliers kept", 0.98, 0.94),
        ("four layers skipped", 0.997, 0.985),
    ],
)
def test_embeddings_point_the_same_way(graftwork, prepared, recipe, mean, least):
    network, folder, test = prepared
    onnx = trained_encoder.write_file(graftwork.path, folder, trained_encoder.RECIPES[recipe])
    cosines = trained_encoder.agreement(network, onnx, test).cosines
    assert cosines.mean() > mean
    assert cosines.min() > least
    assert cosines.mean() < 0.9999, "the file is not quantized"


def test_default_keeps_the_order_of_likenesses(graftwork, prepared):
    network, folder, test = prepared
    onnx = trained_encoder.write_file(graftwork.path, folder, trained_encoder.RECIPES["default"])
    assert trained_encoder.agreement(network, onnx, test).ranks > 0.995


def test_calibration_and_test_share_no_sentence():
    calibration, test = trained_encoder.texts()
    assert len(calibration) == trained_encoder.CALIBRATION_SENTENCES
    assert len(test) == trained_encoder.TEST_SENTENCES
    assert not set(calibration) & set(test)
