"""The layout of a model repository, and what is read out of it."""

import json
from pathlib import Path

import pytest

from ocr_contract.errors import InvalidModel
from ocr_pipeline.repository import CURRENT, INSTALLED, ModelRepository, number


def test_config_is_read_as_triton_hands_it_to_a_backend(bare_repository):
    repository = ModelRepository(bare_repository)
    config = repository.config("det_batcher")
    assert config["backend"] == "python"
    assert number(config, "max_pixels") > 0
    with pytest.raises(InvalidModel, match=r"has no nothing/config\.pbtxt"):
        repository.config("nothing")
    (bare_repository / "det" / "config.pbtxt").write_text("no configuration")
    with pytest.raises(InvalidModel, match="is not a model configuration"):
        repository.config("det")


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", ""])
def test_a_limit_is_a_whole_number_of_at_least_one(text):
    with pytest.raises(InvalidModel, match=r"max_lines in config\.pbtxt of det_batcher must be a whole number"):
        number({"name": "det_batcher", "parameters": {"max_lines": {"string_value": text}}}, "max_lines")


def test_models_without_weights_that_a_set_may_lack_are_not_served(bare_repository):
    repository = ModelRepository(bare_repository)
    for model in ("cls", "rec_second"):
        assert model in repository.models()
        assert model not in repository.served_models()
        repository.file(model, "model.onnx").parent.mkdir(exist_ok=True)
        repository.file(model, "model.onnx").write_bytes(b"onnx")
    assert list(repository.served_models()) == list(repository.models())


@pytest.mark.parametrize(
    "summary",
    [
        *(None, "{", "[]", "[" * 100_000, json.dumps({"name": "custom"})),
        '{"name": "x", "classes": 5, "files": {"rec/1/model.onnx": 5}}',
        '{"name": "x", "classes": Infinity, "files": {}}',
    ],
)
def test_a_repository_without_a_set_says_what_to_run(bare_repository, summary):
    repository = ModelRepository(bare_repository)
    if summary is not None:
        repository.file("ocr", "model_set.json").write_text(summary)
    with pytest.raises(InvalidModel, match="run ocr-convert to install a model set"):
        repository.installed()


def test_weights_without_a_summary_are_a_set_that_is_not_known(bare_repository):
    repository = ModelRepository(bare_repository)
    assert not repository.has_set()
    repository.file("rec", "model.onnx").parent.mkdir(exist_ok=True)
    repository.file("rec", "model.onnx").write_bytes(b"onnx")
    assert repository.has_set()
    with pytest.raises(InvalidModel, match=r"has weights, but no ocr/1/model_set\.json"):
        repository.installed()


def test_a_link_to_nothing_is_no_set(bare_repository):
    repository = ModelRepository(bare_repository)
    repository.file("ocr", "model_set.json").symlink_to("../current/model_set.json")
    assert not repository.has_set()


@pytest.mark.parametrize("file", [".gitignore", ".dockerignore", "Makefile"])
def test_what_spells_the_layout_by_hand_agrees_with_it(file):
    words = (Path(__file__).resolve().parents[2] / file).read_text(encoding="utf-8").split()
    spelt = {word.strip("/") for word in words}
    assert {f"model_repository/{CURRENT}", f"model_repository/{INSTALLED}"} <= spelt
