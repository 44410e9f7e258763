"""What peers.py compares: eleven networks, the command by recipes, and the quantizers of others. Imports no torch."""

NETWORKS = (
    *("resnet18", "resnet50", "mobilenet_v2", "efficientnet_b0", "unet", "yolo"),
    *("convnext_tiny", "swin_t", "vit_b16", "bert_base", "gpt2"),
)
# What recipes are made of.
PIECES = {
    "weights mse": {"weight": {"calibration_method": "mse"}},
    "divided": {"activation": {"outlier_channels": "divide"}},
    "smoothed": {"smooth_quant": {"alpha": "search"}},
    "equalized": {"weight": {"cross_layer_equalization": True}},
    "adaround": {"weight": {"rounding": "adaround"}},
    "float head, attention": {"skip": {"stub": ["lm_head", "FusedScaledDotProductAttention"], "weight": ["lm_head"]}},
}
RECIPES = {"default": (), "weights mse": ("weights mse",), "divided": ("divided",), "smoothed": ("smoothed",)}
# By network, the best that is known.
BEST = {"gpt2": ("float head, attention",)}  # what ModelOpt torch quantizes of it
OURS = (*RECIPES, "best")
ONNX_RUNTIME = ("ORT", "ORT products")
MODELOPT = ("ModelOpt torch", "ModelOpt ONNX max", "ModelOpt ONNX entropy")
PEERS = (*ONNX_RUNTIME, *MODELOPT)
QUANTIZERS = (*OURS, *PEERS)


def pieces_of(quantizer, network):
    return BEST.get(network, ()) if quantizer == "best" else RECIPES[quantizer]


def recipe(pieces):
    """The pieces as one recipe."""
    merged = {}
    for piece in pieces:
        for part, settings in PIECES[piece].items():
            merged.setdefault(part, {}).update(settings)
    return merged
