"""Transformers of the transformers package in small configurations: two layers, two heads of 32, seeded weights.

The weights are wider than what training starts from, so that attention is not uniform and residual branches are heard.
"""

import transformers as hf
from torch import nn

import public  # noqa: F401  (says before the package is imported that nothing is downloaded)

LAYERS = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128}
WIDE = {"initializer_range": 0.125}
VOCABULARY = 96
TEXT = {**LAYERS, **WIDE, "vocab_size": VOCABULARY}
PICTURES = {**LAYERS, **WIDE, "image_size": 64}
LANGUAGE_MODEL = {**TEXT, "use_cache": False, "num_key_value_heads": 1}
# d_model and its relatives, as networks of an encoder and a decoder call them
PAIR = {
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128,
}


def built(kind, model="Model", **options):
    """transformers' KIND+model of a KINDConfig with `options`."""
    return getattr(hf, kind + model)(getattr(hf, f"{kind}Config")(**options))


def spread(model, factor=1.0):
    """`model` with matrices that keep the size of their input, times `factor`; for kinds whose start cannot be set."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Conv1d) and module.weight.dim() > 1:
            nn.init.normal_(module.weight, std=factor / module.weight[0].numel() ** 0.5)
    return model


def resnet(*stages, kind="ResNet"):
    """The smallest backbone of the detectors, that gives these stages."""
    options = {"embedding_size": 16, "hidden_sizes": [16, 32, 32, 64], "depths": [1, 1, 1, 1], "layer_type": "basic"}
    return getattr(hf, f"{kind}Config")(**options, out_features=[f"stage{stage}" for stage in stages])


def swin_config(*stages, kind="Swin", **options):
    depths = {"depths": [1, 1, 2, 1], "num_heads": [1, 2, 2, 4]}
    options = {"image_size": 64, "embed_dim": 32, "window_size": 4, **depths, **options}
    outputs = {"out_features": [f"stage{stage}" for stage in stages]} if stages else {}
    return getattr(hf, f"{kind}Config")(drop_path_rate=0.0, **WIDE, **options, **outputs)


# Pictures


def deit():
    return built("DeiT", "ForImageClassificationWithTeacher", **PICTURES)


def dinov2():
    return built("Dinov2", **{**PICTURES, "image_size": 56}, patch_size=14, mlp_ratio=2, layerscale_value=0.5)


def dinov3():
    return built("DINOv3ViT", **PICTURES, num_register_tokens=4, layerscale_value=0.5)


def swin():
    """Windows of 4 on a picture that they do not divide: it is padded, and every other layer's windows are shifted."""
    return hf.SwinForImageClassification(swin_config(image_size=56, depths=[2, 2], num_heads=[1, 2]))


def swin_v2():
    return hf.Swinv2Model(swin_config(kind="Swinv2"))


def mobilevit():
    options = {"hidden_sizes": [64, 64, 64], "neck_hidden_sizes": [16, 16, 32, 32, 48, 64, 128], "image_size": 64}
    return spread(built("MobileViT", "ForImageClassification", **options, num_attention_heads=2))


# Text


class MiniLM(nn.Module):
    """A sentence's direction: the mean of its tokens, as sentence encoders take it."""

    def __init__(self, size=TEXT):
        super().__init__()
        self.bert = built("Bert", **size)

    def forward(self, input_ids, attention_mask):
        tokens = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).expand(tokens.size()).float()
        mean = (tokens * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return nn.functional.normalize(mean, p=2, dim=1)


def bert(**options):
    return built("Bert", **TEXT, **options)


def roberta():
    return built("Roberta", "ForSequenceClassification", **TEXT, pad_token_id=1, max_position_embeddings=64)


def modernbert():
    tokens = {f"{name}_token_id": i for i, name in enumerate(("pad", "bos", "eos", "cls", "sep"))}
    wide = {"initializer_cutoff_factor": 2.0}
    return built("ModernBert", **TEXT, **tokens, **wide, global_attn_every_n_layers=2, local_attention=16)


def gpt2():
    options = {"n_embd": 64, "n_layer": 2, "n_head": 2, "n_positions": 64, "use_cache": False}
    return built("GPT2", "LMHeadModel", **options, **WIDE, vocab_size=VOCABULARY)


def t5():
    options = {"d_model": 64, "d_kv": 32, "d_ff": 128, "num_layers": 2, "num_heads": 2, "vocab_size": VOCABULARY}
    return spread(built("T5", **options, use_cache=False))


def llama():
    return built("Llama", "ForCausalLM", **LANGUAGE_MODEL)


def qwen3():
    return built("Qwen3", "ForCausalLM", **LANGUAGE_MODEL, head_dim=32)


# Sound

CONVOLUTIONS = {
    "conv_dim": (32, 32),
    "conv_stride": (5, 2),
    "conv_kernel": (10, 3),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


def whisper():
    options = {"num_mel_bins": 16, "max_source_positions": 32, "max_target_positions": 16, "vocab_size": VOCABULARY}
    tokens = {name: 3 for name in ("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id")}
    return spread(built("Whisper", **PAIR, **options, **tokens, use_cache=False))


def wav2vec2():
    return built("Wav2Vec2", "ForCTC", **LAYERS, **WIDE, **CONVOLUTIONS, vocab_size=32)


def wavlm():
    return built("WavLM", **LAYERS, **WIDE, **CONVOLUTIONS)


# Pictures and text


def clip():
    text = {**LAYERS, "vocab_size": VOCABULARY, "eos_token_id": VOCABULARY - 1}
    vision = {**LAYERS, "image_size": 64, "patch_size": 16}
    return spread(built("CLIP", text_config=text, vision_config=vision, projection_dim=32))


def owlv2():
    text = {**LAYERS, "vocab_size": VOCABULARY, "max_position_embeddings": 16}
    vision = {**LAYERS, "image_size": 64, "patch_size": 16}
    return spread(built("Owlv2", "ForObjectDetection", text_config=text, vision_config=vision, projection_dim=64))


# Detection


class Means(nn.Module):
    """A detector's means over its queries. It takes every place as a query, in the order of their scores, which are
    nearly equal for random weights: which comes first is up to rounding, and the means do not depend on it."""

    def __init__(self, detector):
        super().__init__()
        self.detector = detector

    def forward(self, **inputs):
        found = self.detector(**inputs)
        return found.logits.sigmoid().mean(1), found.pred_boxes.mean(1)


def detr(kind="Detr", **options):
    options = {"backbone_config": resnet(4), "num_queries": 10, "use_timm_backbone": False, **PAIR, **options}
    return spread(built(kind, "ForObjectDetection", **options))


def deformable_detr():
    return detr("DeformableDetr", backbone_config=resnet(2, 3, 4), num_feature_levels=3, with_box_refine=True)


def rt_detr(kind="RTDetr"):
    widths = {"encoder_hidden_dim": 64, "encoder_in_channels": [32, 32, 64], "decoder_in_channels": [64, 64, 64]}
    options = {**PAIR, **widths, "encoder_layers": 1, "num_queries": 21}
    config = getattr(hf, f"{kind}Config")(backbone_config=resnet(2, 3, 4, kind="RTDetrResNet"), **options)
    return Means(spread(getattr(hf, f"{kind}ForObjectDetection")(config)))


def rf_detr():
    """DINOv2 in two by two windows in front of a decoder with deformable attention. Its queries are of one kind: which
    of them a place gets is up to the order of scores."""
    stages = {"out_features": ["stage1", "stage2"], "num_windows": 2, "layerscale_value": 0.5}
    backbone = hf.RfDetrDinov2Config(**PICTURES, **stages, patch_size=8, mlp_ratio=2)
    decoder = {"decoder_layers": 2, "decoder_self_attention_heads": 2, "decoder_cross_attention_heads": 4}
    options = {"d_model": 64, "decoder_ffn_dim": 128, "num_queries": 64, "group_detr": 1, **decoder}
    detector = spread(hf.RfDetrForObjectDetection(hf.RfDetrConfig(backbone_config=backbone, **options)))
    queries = detector.model.query_feat.weight
    queries.data.copy_(queries[:1].expand_as(queries))
    return Means(detector)


def yolos():
    options = {**PICTURES, "image_size": [64, 96], "num_detection_tokens": 10}
    return built("Yolos", "ForObjectDetection", **options, use_mid_position_embeddings=False)


def grounding_dino():
    options = {**PAIR, "num_queries": 21, "num_feature_levels": 3}
    config = hf.GroundingDinoConfig(
        backbone_config=swin_config(2, 3, 4), text_config=hf.BertConfig(**TEXT), **options, max_text_len=16
    )
    return Means(spread(hf.GroundingDinoForObjectDetection(config), 0.7))


# Dense prediction


def depth_anything():
    layers = {"image_size": 56, "patch_size": 14, "mlp_ratio": 2, "layerscale_value": 0.5}
    backbone = hf.Dinov2Config(
        **{**LAYERS, **WIDE, **layers, "num_hidden_layers": 4},
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    sizes = {"reassemble_hidden_size": 64, "neck_hidden_sizes": [16, 32, 32, 64], "fusion_hidden_size": 32}
    return spread(built("DepthAnything", "ForDepthEstimation", backbone_config=backbone, **sizes, head_hidden_size=16))


def dpt():
    sizes = {"neck_hidden_sizes": [16, 32, 32, 64], "fusion_hidden_size": 32, "backbone_out_indices": [0, 1, 2, 3]}
    return spread(built("DPT", "ForDepthEstimation", **{**PICTURES, "num_hidden_layers": 4}, **sizes))


def segformer():
    sizes = {"hidden_sizes": [32, 64, 64, 64], "num_attention_heads": [1, 2, 2, 2], "depths": [1, 1, 1, 1]}
    return built("Segformer", "ForSemanticSegmentation", **sizes, **WIDE, decoder_hidden_size=32)


def mask2former():
    sizes = {"feature_size": 32, "mask_feature_size": 32, "hidden_dim": 64, "encoder_feedforward_dim": 64}
    layers = {"num_attention_heads": 2, "encoder_layers": 1, "decoder_layers": 3, "dim_feedforward": 128}
    config = hf.Mask2FormerConfig(backbone_config=swin_config(1, 2, 3, 4), **sizes, **layers, num_queries=8)
    return spread(hf.Mask2FormerForUniversalSegmentation(config))


def sam():
    """The frequencies of its points are those of the published weights, an eighth of what a new model starts with."""
    vision = {**LAYERS, "mlp_dim": 128, "image_size": 64, "patch_size": 8, "output_channels": 32, "window_size": 4}
    vision |= {"global_attn_indexes": [1], "num_pos_feats": 16}
    prompts = {"hidden_size": 32, "image_embedding_size": 8, "image_size": 64, "patch_size": 8}
    decoder = {"hidden_size": 32, "mlp_dim": 64, "num_attention_heads": 1, "iou_head_hidden_dim": 32}
    model = spread(built("Sam", vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder))
    nn.init.normal_(model.shared_image_embedding.positional_embedding)
    return model


def table_transformer():
    return detr("TableTransformer")


def conditional_detr():
    return detr("ConditionalDetr")
