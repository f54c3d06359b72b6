"""Dictionaries, inference.yml, and what is looked for in a folder."""

from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import yaml
from onnx import TensorProto, helper

from ocr_convert.errors import ModelFolderError
from ocr_convert.graphs.fuse import HALVES, IMAGENET, Kind, Normalisation
from ocr_convert.paddle.dictionary import class_characters, read_dictionary
from ocr_convert.paddle.folder import find_dictionary, read_model_folder
from ocr_convert.paddle.inference_yml import read_inference_yml
from ocr_pipeline.stages.ctc import join_dictionary
from ocr_pipeline.stages.ctc import read_dictionary as read_installed_dictionary
from ocr_pipeline.stages.orientation import ClsInput

# Characters that strip(), splitlines() or a YAML reader would lose or take for something else.
SPACES = ("\u3000", "\u2028", "\u2029", "\x85", "\xa0", "\x0b", "\x0c", "\x1c")
TRAPS = (*SPACES, "a", "1", "no", "~", "null", "1.0", "=", "#")


def write_yml(path: Path, document: object) -> Path:
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


def with_steps(*steps: object, **after: object) -> dict[str, object]:
    return {"PreProcess": {"transform_ops": list(steps)}, "PostProcess": after}


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_dictionary_file_keeps_every_character(tmp_path: Path, end: str) -> None:
    path = tmp_path / "dictionary.txt"
    path.write_bytes(("\n".join(TRAPS) + end).encode())
    assert read_dictionary(path) == TRAPS


def test_a_dictionary_with_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "dictionary.txt"
    path.write_bytes("甲\r\n\u3000\r\n乙\r\n".encode())
    assert read_dictionary(path) == ("甲", "\u3000", "乙")


def test_the_installed_dictionary_is_read_back_with_the_space_last(tmp_path: Path) -> None:
    path = tmp_path / "dictionary.txt"
    path.write_bytes(join_dictionary(class_characters(TRAPS, 1 + len(TRAPS) + 1)).encode())
    assert read_installed_dictionary(path) == (*TRAPS, " ")


@pytest.mark.parametrize("classes", [len(TRAPS), len(TRAPS) + 3, 6625])
def test_a_dictionary_of_another_size_is_refused(classes: int) -> None:
    with pytest.raises(
        ModelFolderError, match=rf"{len(TRAPS)} characters make {len(TRAPS) + 1} classes, .* {classes}$"
    ):
        class_characters(TRAPS, classes)


def test_a_dictionary_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dictionary.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelFolderError, match="cannot be read as UTF-8 text"):
        read_dictionary(path)


def test_characters_of_an_inference_yml_stay_text(tmp_path: Path) -> None:
    characters = [character for character in TRAPS if character != "\x85"]  # PyYAML writes that one as a line end
    path = write_yml(tmp_path / "inference.yml", with_steps(character_dict=characters))
    assert read_inference_yml(path, "rec").dictionary == tuple(characters)


def test_unquoted_characters_of_an_inference_yml_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "inference.yml"
    path.write_text("PostProcess:\n  character_dict:\n  - 　\n  - 1\n  - no\n  - ~\n  - 1.0\n  - =\n", encoding="utf-8")
    assert read_inference_yml(path, "rec").dictionary == ("\u3000", "1", "no", "~", "1.0", "=")


def test_thresholds_of_an_inference_yml(tmp_path: Path) -> None:
    after = {"name": "DBPostProcess", "thresh": 0.2, "box_thresh": 0.45, "max_candidates": 3000, "unclip_ratio": 1.4}
    settings = read_inference_yml(write_yml(tmp_path / "inference.yml", with_steps(**after)), "det")
    assert settings.options == {
        "text_det_thresh": 0.2,
        "text_det_box_thresh": 0.45,
        "text_det_unclip_ratio": 1.4,
    }
    assert settings.notes == ("max_candidates 3000 is not needed: every line of a page is found",)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (None, {}),
        ({"resize_long": 960}, {"text_det_limit_side_len": 960, "text_det_limit_type": "max"}),
        ({"limit_side_len": 736, "limit_type": "min"}, {"text_det_limit_side_len": 736, "text_det_limit_type": "min"}),
        ({"limit_side_len": 1280}, {"text_det_limit_side_len": 1280, "text_det_limit_type": "min"}),
        ({"image_shape": [736, 1280]}, {}),
        ({"limit_side_len": 960, "limit_type": "square"}, {}),
    ],
)
def test_size_of_the_detectors_input(tmp_path: Path, stated: object, expected: object) -> None:
    path = write_yml(tmp_path / "inference.yml", with_steps({"DetResizeForTest": stated}))
    settings = read_inference_yml(path, "det")
    assert settings.options == expected
    assert bool(settings.notes) == bool(stated), "what is taken over or not is said"


@pytest.mark.parametrize(
    ("kind", "step", "reason"),
    [
        ("det", {"DecodeImage": {"img_mode": "RGB"}}, "wants pixels in RGB order"),
        ("rec", {"RecResizeImg": {"image_shape": [3, 32, 320]}}, "reads lines 32 pixels high"),
        ("cls", {"ResizeImage": {"resize_short": 256}}, r"must resize lines to a size \[width, height\]"),
    ],
)
def test_a_model_that_wants_other_pixels_is_refused(tmp_path: Path, kind: Kind, step: object, reason: str) -> None:
    with pytest.raises(ModelFolderError, match=reason):
        read_inference_yml(write_yml(tmp_path / "inference.yml", with_steps(step)), kind)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"NormalizeImage": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}}, HALVES),
        ({"NormalizeImage": {"std": [1, 1, 1]}}, Normalisation(IMAGENET.mean, (1.0, 1.0, 1.0))),
        ({"NormalizeImage": None}, IMAGENET),
        ({"DecodeImage": {}}, None),
    ],
)
def test_the_normalisation_of_a_detector_is_taken_over(
    tmp_path: Path, step: object, expected: Normalisation | None
) -> None:
    assert read_inference_yml(write_yml(tmp_path / "inference.yml", with_steps(step)), "det").normalisation == expected


@pytest.mark.parametrize(
    ("step", "expected", "normalisation"),
    [
        ({"ToCHWImage": None}, ClsInput(48, 192, False), None),
        ({"ClsResizeImg": {"image_shape": [3, 48, 192]}}, ClsInput(48, 192, False), None),
        ({"ClsResizeImg": {"image_shape": [3, 32, 100]}}, ClsInput(32, 100, False), None),
        ({"ResizeImage": {"size": [160, 80]}}, ClsInput(80, 160, True), replace(IMAGENET, rgb=True)),
    ],
)
def test_the_lines_that_cls_takes(
    tmp_path: Path, step: object, expected: ClsInput, normalisation: Normalisation | None
) -> None:
    settings = read_inference_yml(write_yml(tmp_path / "inference.yml", with_steps(step)), "cls")
    assert (settings.cls, settings.normalisation) == (expected, normalisation)


def test_a_model_that_tells_other_angles_apart_is_no_cls(tmp_path: Path) -> None:
    document = with_steps(Topk={"label_list": ["0", "90", "180", "270"]})
    with pytest.raises(ModelFolderError, match="tells 0, 90, 180, 270 apart, but a cls model"):
        read_inference_yml(write_yml(tmp_path / "inference.yml", document), "cls")


@pytest.mark.parametrize(
    "text", ["- just a list", "PostProcess: [", "PostProcess: {thresh: high}", "PreProcess: {transform_ops: [4]}"]
)
def test_a_damaged_inference_yml_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "inference.yml"
    path.write_text(text)
    with pytest.raises(ModelFolderError, match=r"inference\.yml (must hold|cannot be read)"):
        read_inference_yml(path, "det")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ((), "has no rec model: expected .pdmodel"),
        (("inference.pdmodel",), "has inference.pdmodel but lacks inference.pdiparams"),
        (("inference.json",), "has inference.json but lacks inference.pdiparams"),
        (("inference.pdiparams", "inference.yml"), "has no rec model"),
    ],
)
def test_a_folder_without_a_whole_model_is_refused(tmp_path: Path, files: tuple[str, ...], reason: str) -> None:
    for name in files:
        (tmp_path / name).write_text("{}")
    with pytest.raises(ModelFolderError, match=reason):
        read_model_folder(tmp_path, "rec")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="nowhere is not a folder"):
        read_model_folder(tmp_path / "nowhere", "det")


def onnx_with_dictionary(path: Path, *characters: str) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    node = helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "g", [value], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])
    model = helper.make_model(graph)
    if characters:
        helper.set_model_props(model, {"character": "\n".join(characters)})
    onnx.save(model, path)


def test_the_dictionary_in_onnx_metadata_is_cut_at_line_feeds_alone(tmp_path: Path) -> None:
    onnx_with_dictionary(tmp_path / "model.onnx", *TRAPS)
    assert find_dictionary(read_model_folder(tmp_path, "rec")) == TRAPS


def test_a_given_dictionary_wins_over_inference_yml_and_that_over_the_file_beside(tmp_path: Path) -> None:
    onnx_with_dictionary(tmp_path / "model.onnx", "in", "metadata")
    (tmp_path / "dictionary.txt").write_text("beside")
    (tmp_path / "given.txt").write_text("given")
    assert find_dictionary(read_model_folder(tmp_path, "rec")) == ("beside",)
    write_yml(tmp_path / "inference.yml", with_steps(character_dict=["yml"]))
    assert find_dictionary(read_model_folder(tmp_path, "rec")) == ("yml",)
    assert find_dictionary(read_model_folder(tmp_path, "rec"), tmp_path / "given.txt") == ("given",)


def test_without_a_dictionary_the_error_says_where_it_is_looked_for(tmp_path: Path) -> None:
    onnx_with_dictionary(tmp_path / "model.onnx")
    with pytest.raises(ModelFolderError, match=r"expected character_dict in inference\.yml, or give --dictionary"):
        find_dictionary(read_model_folder(tmp_path, "rec"))


def test_a_file_that_is_not_onnx_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x00\x01 not a model")
    with pytest.raises(ModelFolderError, match="is not an ONNX model"):
        find_dictionary(read_model_folder(tmp_path, "rec"))
