"""The list of model sets is whole, and what is wrong with another list is said."""

import json
import re
from pathlib import Path

import pytest

from ocr_contract.options import OPTIONS
from ocr_convert.errors import ModelSetError
from ocr_convert.graphs.fuse import Normalisation
from ocr_convert.sources.model_sets import DEFAULT_MODEL_SET, Network, find_model_set, load_model_sets
from ocr_pipeline.parameters import MODEL_SET_OPTIONS, SIZE_OPTIONS


def networks() -> dict[str, Network]:
    return {
        network.name: network for model_set in load_model_sets().values() for network in model_set.networks.values()
    }


def test_the_sets_that_are_promised_are_there() -> None:
    sets = load_model_sets()
    assert DEFAULT_MODEL_SET == "pp-ocrv6"
    assert next(iter(sets)) == DEFAULT_MODEL_SET, "the list begins with it"
    assert {"pp-ocrv4-mobile", "pp-ocrv6-small", "pp-ocrv6", "pp-ocrv6-tiny", "pp-ocrv5-mobile"} <= set(sets)
    for model_set in sets.values():
        assert list(model_set.networks) in (["det", "rec", "cls"], ["det", "rec", "rec_second", "cls"])


def test_the_size_of_the_detectors_input_is_the_default() -> None:
    named = {option for model_set in load_model_sets().values() for option in model_set.options}
    assert named.isdisjoint(SIZE_OPTIONS)


@pytest.mark.parametrize("name", sorted(networks()))
def test_every_network_has_a_pinned_source_first_and_whole_files(name: str) -> None:
    sources = networks()[name].sources
    assert sources[0].pinned
    for source in sources:
        names = {file.name for file in source.files}
        whole = {"inference.pdmodel", "inference.pdiparams"}, {"inference.json", "inference.pdiparams"}, {"model.onnx"}
        assert any(files <= names for files in whole)
        assert source.pinned or source.transport == "archive"
        for digest in (source.sha256, *(file.sha256 for file in source.files)):
            assert digest is None or re.fullmatch(r"[0-9a-f]{64}", digest)
        if source.transport == "wheel":
            assert re.fullmatch(r"[a-z-]+==[0-9.]+", source.address), "no host: pip's own settings say where"


@pytest.mark.parametrize("name", ["pp-ocrv6", "pp-ocrv6-small", "pp-ocrv6-tiny", "pp-ocrv5-mobile"])
def test_where_only_a_registry_is_reached_and_paddle_is_not_there_a_set_comes_from_wheels(name: str) -> None:
    for network in find_model_set(name).networks.values():
        assert any(source.transport == "wheel" and source.form == "onnx" for source in network.sources)


def test_an_unknown_set_names_those_that_there_are() -> None:
    with pytest.raises(ModelSetError, match='no model set "pp-ocrv9", expected one of: pp-ocrv6, pp-ocrv') as raised:
        find_model_set("pp-ocrv9")
    assert raised.value.exit_code == 2


GOOD = """
model_sets:
  mine: {about: of my own, det: d, rec: r, options: {text_det_thresh: 0.1, text_det_limit_side_len: 960}}
networks:
  d:
    kind: det
    normalise: {mean: [0.5, 0.25, 0.125], std: [1, 2, 3]}
    sources:
      - {url: "http://127.0.0.1", form: onnx, files: {model.onnx: }}
      - {archive: "http://127.0.0.1/d.tar", form: paddle, files: {inference.json: , inference.pdiparams: }}
  r: {kind: rec, sources: [{wheel: a==1, sha256: "00", form: onnx, files: {model.onnx: {at: a/b.onnx}}}]}
"""


def test_another_list(tmp_path: Path) -> None:
    path = tmp_path / "sets.yaml"
    path.write_text(GOOD)
    mine = find_model_set("mine", path)
    assert mine.options == {"text_det_thresh": 0.1, "text_det_limit_side_len": 960}
    det, rec = mine.networks.values()
    assert (det.sources[0].pinned, rec.sources[0].pinned) == (False, True)
    assert [(source.transport, source.form) for source in det.sources] == [("url", "onnx"), ("archive", "paddle")]
    assert det.normalisation == Normalisation((0.5, 0.25, 0.125), (1, 2, 3))
    assert rec.normalisation is None


@pytest.mark.parametrize("option", sorted(set(OPTIONS) - set(MODEL_SET_OPTIONS)))
def test_an_option_that_no_step_keeps_is_refused_and_those_that_are_kept_are_named(tmp_path: Path, option: str) -> None:
    path = tmp_path / "sets.yaml"
    path.write_text(GOOD.replace("text_det_thresh: 0.1", f"{option}: {json.dumps(OPTIONS[option].default)}"))
    with pytest.raises(ModelSetError) as raised:
        load_model_sets(path)
    assert f"mine: options of a model set are {', '.join(MODEL_SET_OPTIONS)}, not {option}" in str(raised.value)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("det: d, ", ""),
        ("det: d", "det: r"),
        ("kind: det", "kind: table"),
        ("form: onnx", "form: torch"),
        ("wheel: a==1, ", ""),
        ("thresh: 0.1", "threshold: 0.1"),
        ("thresh: 0.1", "thresh: 1.1"),
        ("model_sets:", "sets:"),
        ("mine: {", "mine: ["),
    ],
)
def test_a_list_of_another_form_is_refused(tmp_path: Path, right: str, wrong: str) -> None:
    path = tmp_path / "sets.yaml"
    path.write_text(GOOD.replace(right, wrong, 1))
    with pytest.raises(ModelSetError, match="is not of the expected form"):
        load_model_sets(path)


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelSetError, match="cannot be read: No such file"):
        load_model_sets(tmp_path / "sets.yaml")
