"""The transformers of the zoo, by name; each has few layers, so the floor is the lower one where they are many."""

from functools import partial

import small_transformers as small
from awake import awaken
from public import timm_model
from row import Network, Places, Seen, Shape, Tokens
from small_transformers import VOCABULARY

FLOOR = 20
MEANS = 40  # over all queries, of sigmoids: they keep more than features do
PICTURE = Shape((3, 64, 64))
SOUND = Shape((800,))


def awake(name, **options):
    """timm's network with few classes, and no gain, table or classifier at the zeros that it starts with."""
    return lambda: awaken(timm_model(name, num_classes=10, **options))


def text(length=24, **others):
    """Words and a mask of padding, as tokenizers give them."""
    return {"input_ids": Tokens(length, VOCABULARY, least=3), "attention_mask": Seen(length), **others}


def words(length=24):
    return {"input_ids": Tokens(length, VOCABULARY, least=3)}


def picture(height=64, width=None):
    return {"pixel_values": Shape((3, height, width or height))}


TRANSFORMERS = {
    # Pictures
    "vit": Network(awake("vit_tiny_patch16_224", img_size=64, depth=2), PICTURE, FLOOR, in_tests=True),
    "deit": Network(small.deit, picture(), FLOOR),
    "dinov2": Network(small.dinov2, picture(56), FLOOR),
    "dinov3_transformers": Network(small.dinov3, picture(), FLOOR),
    "swin": Network(
        awake("swin_tiny_patch4_window7_224", img_size=64, window_size=4, depths=(2, 2), num_heads=(3, 6)),
        *(PICTURE, FLOOR),
    ),
    "swin_transformers": Network(small.swin, picture(56), FLOOR, in_tests=True),
    "swin_v2_transformers": Network(small.swin_v2, picture(), FLOOR),
    "mobilevit": Network(small.mobilevit, picture(), FLOOR),
    # Text
    "bert": Network(small.bert, text(token_type_ids=None), FLOOR, in_tests=True),
    "bert_eager": Network(partial(small.bert, attn_implementation="eager"), text(), FLOOR),
    "minilm": Network(small.MiniLM, text(), FLOOR, in_tests=True),
    "roberta": Network(small.roberta, text(), FLOOR),
    "modernbert": Network(small.modernbert, text(), FLOOR),
    "gpt2": Network(small.gpt2, words(), FLOOR, in_tests=True),
    "t5": Network(small.t5, {**words(), "decoder_input_ids": Tokens(8, VOCABULARY)}, FLOOR, in_tests=True),
    "llama": Network(small.llama, words(), FLOOR, in_tests=True),
    "qwen3": Network(small.qwen3, text(), FLOOR),
    # Sound
    "whisper": Network(
        small.whisper, {"input_features": Shape((16, 64)), "decoder_input_ids": Tokens(8, VOCABULARY)}, FLOOR
    ),
    "wav2vec2": Network(small.wav2vec2, {"input_values": SOUND}, FLOOR),
    "wavlm": Network(small.wavlm, {"input_values": SOUND}, FLOOR, in_tests=True),
    # Pictures and text
    # A logit is one number, what is left of products that cancel out in random embeddings.
    "clip": Network(small.clip, {**words(12), **picture(), "attention_mask": None}, 15, in_tests=True),
    "owlv2": Network(small.owlv2, {**text(12), **picture()}, FLOOR),
    # Detection
    "detr": Network(small.detr, {**picture(), "pixel_mask": None}, FLOOR, in_tests=True),
    "conditional_detr": Network(small.conditional_detr, picture(), FLOOR),
    "deformable_detr": Network(small.deformable_detr, picture(), FLOOR),
    "table_transformer": Network(small.table_transformer, picture(), FLOOR),
    "rt_detr": Network(small.rt_detr, picture(32), MEANS, in_tests=True),
    "rt_detr_v2": Network(partial(small.rt_detr, "RTDetrV2"), picture(32), MEANS),
    "rf_detr": Network(small.rf_detr, picture(), MEANS),
    "yolos": Network(small.yolos, picture(64, 96), FLOOR),
    "grounding_dino": Network(small.grounding_dino, {**text(10), **picture(32)}, FLOOR),
    # Dense prediction
    "depth_anything": Network(small.depth_anything, picture(56), FLOOR),
    "dpt": Network(small.dpt, picture(), FLOOR),
    "segformer": Network(small.segformer, picture(), FLOOR, in_tests=True),
    # Which places a query sees, the sign of a mask says, and masks of random weights are close to zero: in PyTorch,
    # noise of 28 dB on the features leaves 17 dB of the masks, and 25 dB where the signs are held.
    "mask2former": Network(small.mask2former, picture(), 12),
    # One of its outputs is three numbers, whose noise is as random as they are: of 24 pictures 15 to 37 dB, of all
    # together 22, and 28 where 128 samples calibrate its head, which sees 32 numbers of each.
    "sam": Network(small.sam, {**picture(), "input_points": Places((1, 2, 2), extent=64)}, 15),
}
