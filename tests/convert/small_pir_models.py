"""Write det, rec and two cls networks of a few layers as PaddleOCR 3 does: inference.json, .pdiparams, inference.yml.

Run as `python small_pir_models.py FOLDER`. The weights are made up: det calls what is bright text, so that it finds
something on any picture, rec and cls answer something that depends on every pixel.
"""

import sys
from pathlib import Path

import numpy as np
import paddle
import yaml
from paddle import nn

CHARACTERS = ["\u3000", *"0123456789", "~", "\u2028", *"abcdefghijklmnopqrst"]
CLASSES = 1 + len(CHARACTERS) + 1  # blank, characters, space


class Det(nn.Layer):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.smooth = nn.Conv2D(3, 1, 5, padding=2)
        self.smooth.weight.set_value(np.full((1, 3, 5, 5), 10 / 75, np.float32))
        self.smooth.bias.set_value(np.full((1,), -10, np.float32))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return nn.functional.sigmoid(self.smooth(x))


class Rec(nn.Layer):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2D(3, 16, 3, stride=2, padding=1), nn.Hardswish(), nn.Conv2D(16, 32, 3, stride=4, padding=1)
        )
        self.classes = nn.Linear(32, CLASSES)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        columns = self.features(x).max(axis=2).transpose([0, 2, 1])
        return nn.functional.softmax(self.classes(columns) * 20, axis=2)


class Cls(nn.Layer):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2D(3, 8, 5, stride=4)
        self.labels = nn.Linear(8, 2)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return nn.functional.softmax(self.labels(self.features(x).max(axis=[2, 3])), axis=1)


SETTINGS = {
    "det": {
        "Global": {"model_name": "small_det"},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"DetResizeForTest": {"limit_side_len": 320, "limit_type": "max"}},
                {"NormalizeImage": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "scale": "1./255."}},
            ]
        },
        "PostProcess": {"name": "DBPostProcess", "thresh": 0.25, "box_thresh": 0.4, "unclip_ratio": 1.6},
    },
    "rec": {
        "Global": {"model_name": "small_rec"},
        "PreProcess": {"transform_ops": [{"RecResizeImg": {"image_shape": [3, 48, 320]}}]},
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": CHARACTERS},
    },
    "cls": {"Global": {"model_name": "small_cls"}},
    "stretched_cls": {
        "Global": {"model_name": "small_stretched_cls"},
        "PreProcess": {
            "transform_ops": [
                {"ResizeImage": {"size": [160, 80]}},
                {"NormalizeImage": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "order": ""}},
                {"ToCHWImage": None},
            ]
        },
        "PostProcess": {"Topk": {"topk": 1, "label_list": ["0_degree", "180_degree"]}},
    },
}


def main() -> None:
    paddle.seed(7)
    shapes = {
        "det": [None, 3, None, None],
        "rec": [None, 3, 48, None],
        "cls": [None, 3, 48, 192],
        "stretched_cls": [None, 3, 80, 160],
    }
    networks: dict[str, nn.Layer] = {"det": Det(), "rec": Rec(), "cls": Cls(), "stretched_cls": Cls()}
    for kind, network in networks.items():
        folder = Path(sys.argv[1]) / kind
        network.eval()
        entry = paddle.static.InputSpec(shape=shapes[kind], dtype="float32", name="x")
        paddle.jit.save(network, str(folder / "inference"), input_spec=[entry])
        text = yaml.safe_dump(SETTINGS[kind], allow_unicode=True, sort_keys=False)
        (folder / "inference.yml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
