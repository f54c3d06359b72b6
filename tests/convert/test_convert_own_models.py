"""Own models: what is served is installed as it states, anything else is refused in one sentence."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from ocr_convert import cli
from ocr_convert.errors import ConvertError, ModelFolderError
from ocr_convert.graphs.fuse import IMAGENET, Kind
from ocr_convert.paddle.dictionary import class_characters
from ocr_convert.paddle.folder import find_dictionary, read_model_folder
from ocr_convert.paddle.process import PaddleProcess
from ocr_convert.paddle.to_onnx import to_fused_onnx
from ocr_convert.pipeline import convert_folders
from ocr_convert.progress import Reporter
from ocr_convert.roles import Role
from ocr_pipeline.repository import ModelRepository
from ocr_pipeline.stages.db_postprocess import DbVariant
from ocr_pipeline.whole import check_installed

MakeOnnx = Callable[..., onnx.ModelProto]
DIGITS = list("0123456789")


@pytest.fixture
def folders(tmp_path: Path, make_onnx: MakeOnnx) -> dict[Role, Path]:
    """A det and a rec network (blank, ten digits, space) that are served."""
    make_onnx(tmp_path / "det", "det")
    make_onnx(tmp_path / "rec", "rec")
    write_dictionary(tmp_path / "rec", "\n".join(DIGITS))
    return {"det": tmp_path / "det", "rec": tmp_path / "rec"}


def write_dictionary(folder: Path, text: str | bytes) -> None:
    (folder / "dictionary.txt").write_bytes(text.encode() if isinstance(text, str) else text)


def write_yml(folder: Path, document: object) -> None:
    (folder / "inference.yml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")


def refusal(folders: dict[Role, Path], repository: Path) -> str:
    """What ocr-convert says when it refuses these folders, which is one sentence; nothing is installed."""
    arguments = [word for kind, folder in folders.items() for word in (f"--{kind}", str(folder))]
    result = CliRunner().invoke(cli.app, [*arguments, "--model-repository", str(repository)])
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("ocr-convert: ")
    assert result.stderr.count("\n") == 1
    assert not list(repository.glob("*/1/*.onnx"))
    return result.stderr


@pytest.mark.parametrize(
    ("classes", "dictionary", "installed"),
    [
        (12, DIGITS, [*DIGITS, " "]),
        (11, DIGITS, DIGITS),  # trained with use_space_char: False
        (12, [*DIGITS, " "], [*DIGITS, " "]),  # the same, and the dictionary has the space itself
        (13, [*DIGITS, " "], [*DIGITS, " ", " "]),
        (12, ["\ufeff0", *DIGITS[1:]], [*DIGITS, " "]),  # an editor's byte order mark
        (12, ["0", "0", *DIGITS[2:]], ["0", "0", *DIGITS[2:], " "]),
        (3, ["\ufeff"], ["\ufeff", " "]),
    ],
)
@pytest.mark.parametrize("place", ["dictionary.txt", "inference.yml", "metadata"])
def test_a_dictionary_gets_a_space_where_the_network_has_a_class_for_it(
    tmp_path: Path, make_onnx: MakeOnnx, classes: int, dictionary: list[str], installed: list[str], place: str
) -> None:
    network = make_onnx(tmp_path, "rec")
    if place == "dictionary.txt":
        write_dictionary(tmp_path, "\n".join(dictionary))
    elif place == "inference.yml":
        write_yml(tmp_path, {"PostProcess": {"name": "CTCLabelDecode", "character_dict": dictionary}})
    else:
        helper.set_model_props(network, {"character": "\n".join(dictionary)})
        onnx.save(network, tmp_path / "model.onnx")
    found = find_dictionary(read_model_folder(tmp_path, "rec"))
    assert class_characters(found, classes) == tuple(installed)


@pytest.mark.parametrize(("extra", "spaces"), [([], 0), ([" "], 1)])
def test_a_network_trained_without_use_space_char_reads_no_space_but_that_of_its_dictionary(
    folders: dict[Role, Path],
    repository: Path,
    reporter: Reporter,
    output: io.StringIO,
    make_onnx: MakeOnnx,
    extra: list[str],
    spaces: int,
) -> None:
    make_onnx(folders["rec"], "rec", classes=11 + spaces)
    write_dictionary(folders["rec"], "\n".join([*DIGITS, *extra]))
    assert convert_folders(folders, repository, reporter=reporter)["classes"] == 11 + spaces
    assert ModelRepository(repository).dictionaries() == ((*DIGITS, *extra),)
    assert ("it reads none" in output.getvalue()) == (spaces == 0)


def test_a_second_recogniser_has_a_dictionary_of_its_own(
    folders: dict[Role, Path], repository: Path, make_onnx: MakeOnnx, tmp_path: Path
) -> None:
    make_onnx(tmp_path / "large", "rec", classes=4)
    dictionary = tmp_path / "letters.txt"
    dictionary.write_text("a\nb\nc")
    arguments = [word for role, folder in folders.items() for word in (f"--{role}", str(folder))]
    arguments += ["--model-repository", str(repository), "--second-dictionary", str(dictionary)]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 2
    assert "--second-dictionary goes with --rec-second" in result.stderr
    result = CliRunner().invoke(cli.app, [*arguments, "--rec-second", str(tmp_path / "large")])
    assert result.exit_code == 0, result.output
    home = ModelRepository(repository)
    assert check_installed(home).classes == (12, 4)
    assert home.dictionaries() == ((*DIGITS, " "), ("a", "b", "c"))
    assert home.parameters().options["text_rec_second_pass_thresh"] == 0.95
    assert "rec_second" in list(home.served_models())
    convert_folders(folders, repository)
    assert check_installed(home).classes == (12,)
    assert "rec_second" not in list(home.served_models())


def test_numbers_of_a_character_dict_are_characters(
    folders: dict[Role, Path], repository: Path, reporter: Reporter
) -> None:
    write_yml(folders["rec"], {"PostProcess": {"character_dict": list(range(10))}})
    convert_folders(folders, repository, reporter=reporter)
    assert ModelRepository(repository).dictionaries() == ((*DIGITS, " "),)


@pytest.mark.parametrize(
    ("dictionary", "reason"),
    [
        (b"", "the dictionary of the rec model is empty"),
        (b"\n", "1 characters make 2 classes"),
        ("\n".join(DIGITS).encode("utf-16"), "cannot be read as UTF-8 text"),
        (
            "\n".join(DIGITS[:8]).encode(),
            "8 characters make 9 classes, 10 with a space at the end, but the model has 12",
        ),
    ],
)
def test_a_dictionary_that_is_none_is_refused(
    folders: dict[Role, Path], repository: Path, dictionary: bytes, reason: str
) -> None:
    write_dictionary(folders["rec"], dictionary)
    assert reason in refusal(folders, repository)


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ("./ppocr/utils/dict.txt", "must be a list of characters"),
        ({0: "a"}, "must be a list of characters"),
        ([*DIGITS[:9], ["9"]], "must be a list of characters"),
        ([*DIGITS[:9], "9\n"], "holds a line feed or half a character"),
        ([], "the dictionary of the rec model is empty"),
    ],
)
def test_a_character_dict_of_another_form_is_refused(
    folders: dict[Role, Path], repository: Path, stated: object, reason: str
) -> None:
    write_yml(folders["rec"], {"PostProcess": {"character_dict": stated}})
    assert reason in refusal(folders, repository)


def test_half_a_character_is_refused(folders: dict[Role, Path], repository: Path) -> None:
    text = 'PostProcess: {character_dict: [0, 1, 2, 3, 4, 5, 6, 7, 8, "\\ud800"]}'
    (folders["rec"] / "inference.yml").write_text(text)
    assert "inference.yml cannot be read" in (said := refusal(folders, repository)) or "half a character" in said


def test_the_kind_of_post_processing_is_taken_over_and_named(
    folders: dict[Role, Path], repository: Path, reporter: Reporter, output: io.StringIO
) -> None:
    stated = {"use_dilation": True, "score_mode": "slow", "box_type": "poly", "max_candidates": 1000, "thresh": 0.2}
    write_yml(folders["det"], {"PostProcess": {"name": "DBPostProcess", **stated}})
    convert_folders(folders, repository, reporter=reporter)
    parameters = ModelRepository(repository).parameters()
    assert parameters.db == DbVariant("slow", "poly", True)
    assert parameters.options["text_det_thresh"] == 0.2
    assert "boxes are found as its inference.yml says: score_mode slow, box_type poly, use_dilation true" in (
        output.getvalue()
    )
    assert "max_candidates 1000 is not needed" in output.getvalue()


@pytest.mark.parametrize(
    ("kind", "after", "reason"),
    [
        *(
            ("rec", {"name": name}, f"for {name}, but only CTCLabelDecode is served")
            for name in ("AttnLabelDecode", "SARLabelDecode", "NRTRLabelDecode", "SRNLabelDecode", "ViTSTRLabelDecode")
        ),
        *(
            ("det", {"name": name}, f"for {name}, but only DBPostProcess is served")
            for name in ("EASTPostProcess", "SASTPostProcess", "PSEPostProcess", "FCEPostProcess", "CTPostProcess")
        ),
        ("det", {"score_mode": "exact"}, "score_mode must be fast or slow, not 'exact'"),
        ("det", {"box_type": "circle"}, "box_type must be quad or poly, not 'circle'"),
        ("det", {"use_dilation": "sometimes"}, "use_dilation must be true or false, not 'sometimes'"),
        ("det", {"use_dilation": [1]}, "use_dilation must be true or false"),
        ("det", {"thresh": 3}, "text_det_thresh must be a number from 0 to 1, not '3'"),
    ],
)
def test_what_is_decoded_in_another_way_is_refused(
    folders: dict[Role, Path], repository: Path, kind: Kind, after: dict[str, object], reason: str
) -> None:
    write_yml(folders[kind], {"PostProcess": after})
    assert reason in refusal(folders, repository)


LONG = "x" * 100_000
ANCHORS = f"a: &a [{'x,' * 100}]\nb: &b [{'*a,' * 100}]\nPostProcess: {{thresh: [{'*b,' * 100}]}}"


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("det", "", "must hold a mapping with PreProcess and PostProcess"),
        ("det", "PostProcess: abc", "PostProcess must be a mapping, not 'abc'"),
        ("det", "PreProcess: 3", "PreProcess must be a mapping, not '3'"),
        ("det", "Global: 3", "Global must be a mapping, not '3'"),
        ("det", "Global: {model_name: [a]}", "model_name must be a line of at most 100 characters, not ['a']"),
        ("det", f"Global: {{model_name: {LONG}}}", "model_name must be a line of at most 100 characters"),
        ("det", 'Global: {model_name: "a\\nb"}', "model_name must be a line of at most 100 characters"),
        ("det", "PreProcess: {transform_ops: [3]}", "transform_ops must be a list of mappings, not ['3']"),
        ("det", "PostProcess: {thresh: .nan}", "text_det_thresh must be a number from 0 to 1, not '.nan'"),
        ("det", "PostProcess: {thresh: [0.3]}", "text_det_thresh must be a number from 0 to 1, not ['0.3']"),
        ("det", f"PostProcess: {{unclip_ratio: {LONG}}}", "text_det_unclip_ratio must be a number from 0 to 10"),
        ("det", f"PostProcess: {{score_mode: {LONG}}}", "score_mode must be fast or slow"),
        ("det", f"PostProcess: {{name: {LONG}}}", "but only DBPostProcess is served"),
        ("det", ANCHORS, "text_det_thresh must be a number from 0 to 1"),
        ("det", "a: &a [*a]", "cannot be read"),
        ("det", "? [a]\n: b", "cannot be read"),
        ("det", f"a: '{'x' * (4 << 20)}'", "is larger than 4 MiB: it belongs to no network"),
        (
            "det",
            "PreProcess: {transform_ops: [{NormalizeImage: {mean: [1, 2]}}]}",
            "mean must be 3 numbers",
        ),
        ("det", "PreProcess: {transform_ops: [{NormalizeImage: {mean: [1, .nan, 2]}}]}", "float: '.nan'"),
        ("det", "PreProcess: {transform_ops: [{NormalizeImage: {mean: [1, NaN, 2]}}]}", "mean must be 3 numbers"),
        (
            "det",
            "PreProcess: {transform_ops: [{NormalizeImage: {std: [0, 0, 0]}}]}",
            "std must be 3 numbers",
        ),
        ("det", "PreProcess: {transform_ops: [{NormalizeImage: {std: 3}}]}", "std must be a list of numbers, not '3'"),
        ("det", "PreProcess: {transform_ops: [{NormalizeImage: {scale: 1}}]}", "scales pixels by 1, but only 1/255"),
        ("det", "PreProcess: {transform_ops: [{NormalizeImage: {scale: 1/0}}]}", "scales pixels by 1/0, but only"),
        (
            "rec",
            "PreProcess: {transform_ops: [{RecResizeImg: {image_shape: [3]}}]}",
            "must be [channels, height, width]",
        ),
        ("rec", "PreProcess: {transform_ops: [{RecResizeImg: {image_shape: {a: b}}}]}", "must be [channels, height,"),
        ("rec", f"PostProcess: {{character_dict: [{'a,' * 9}{LONG}]}}", "an entry of more than 64 characters"),
        ("cls", "PreProcess: {transform_ops: [{ClsResizeImg: {image_shape: [3, 48]}}]}", "must be [channels, height,"),
        (
            "cls",
            "PreProcess: {transform_ops: [{ResizeImage: {size: [1000000000000, 80]}}]}",
            "from 1 to 1000",
        ),
        ("cls", f"PostProcess: {{Topk: {{label_list: [{LONG}]}}}}", "a cls model tells lines of 0_degree and"),
        ("cls", "PostProcess: {Topk: 3}", "Topk must be a mapping, not '3'"),
    ],
    ids=range(31),
)
def test_settings_of_another_form_are_refused_in_a_short_sentence(
    folders: dict[Role, Path], repository: Path, make_onnx: MakeOnnx, kind: Kind, text: str, reason: str
) -> None:
    folders = {**folders, "cls": folders["det"].with_name("cls")}
    make_onnx(folders["cls"], "cls", classes=2)
    (folders[kind] / "inference.yml").write_text(text)
    said = refusal(folders, repository)
    assert reason in said
    assert len(said) < 500


@pytest.mark.parametrize("scale", ["1./255.", "1/255", "0.00392156862745098"])
def test_a_scale_that_is_served_is_taken(folders: dict[Role, Path], scale: str) -> None:
    write_yml(folders["det"], {"PreProcess": {"transform_ops": [{"NormalizeImage": {"scale": scale}}]}})
    assert read_model_folder(folders["det"], "det").settings.normalisation == IMAGENET


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/full", "."])
def test_a_dictionary_that_is_no_file_is_refused(folders: dict[Role, Path], place: str) -> None:
    with pytest.raises(ModelFolderError, match="is not a file"):
        find_dictionary(read_model_folder(folders["rec"], "rec"), Path(place))


@pytest.mark.parametrize(("kind", "bit"), [("det", 0), ("rec", 2), ("cls", 5)])
def test_a_network_with_a_flipped_bit_is_converted_or_refused_in_a_short_line(
    folders: dict[Role, Path], tmp_path: Path, make_onnx: MakeOnnx, kind: Kind, bit: int
) -> None:
    """Weights with a flipped bit are weights; whatever else was hit must not end in a traceback."""
    make_onnx(tmp_path / kind, kind, classes=2 if kind == "cls" else 12)
    network = tmp_path / kind / "model.onnx"
    whole = network.read_bytes()
    places = [*range(0, 600, 7), *range(len(whole) - 400, len(whole), 7)]
    refused = 0
    for place in places:
        damaged = bytearray(whole)
        damaged[place % len(whole)] ^= 1 << bit
        network.write_bytes(damaged)
        try:
            with PaddleProcess(tmp_path) as paddle:
                to_fused_onnx(read_model_folder(tmp_path / kind, kind), {}, tmp_path, paddle)
        except ConvertError as error:
            refused += 1
            assert "\n" not in str(error)
            assert len(str(error)) < 600
    assert refused > 20


@pytest.mark.parametrize(
    ("kind", "takes", "classes"),
    [
        ("rec", ["N", 3, 32, "W"], 12),
        ("rec", ["N", 3, 48, 320], 12),
        ("rec", [1, 3, 48, "W"], 12),
        ("rec", ["N", 1, 48, "W"], 12),
        ("rec", ["N", 48, "W", 3], 12),
        ("det", ["N", 3, 640, 640], 12),
        ("det", [8, 3, "H", "W"], 12),
        ("cls", ["N", 3, 80, 160], 2),
        ("cls", ["N", 3, 48, 192], 4),
        ("cls", [1, 3, 48, 192], 2),
    ],
)
def test_a_network_that_states_other_sizes_than_are_served_is_refused(
    folders: dict[Role, Path],
    repository: Path,
    tmp_path: Path,
    make_onnx: MakeOnnx,
    kind: Kind,
    takes: list[int | str],
    classes: int,
) -> None:
    make_onnx(tmp_path / kind, kind, takes, classes)
    said = refusal({**folders, kind: tmp_path / kind}, repository)
    assert f"a {kind} network takes FLOAT" in said
    stated = ["?" if isinstance(size, str) else str(size) for size in takes]
    assert f"but this one takes FLOAT [{', '.join(stated)}]" in said


def test_a_detector_that_states_a_batch_of_one_is_served(
    folders: dict[Role, Path], repository: Path, reporter: Reporter, make_onnx: MakeOnnx
) -> None:
    make_onnx(folders["det"], "det", [1, 3, "H", "W"])
    convert_folders(folders, repository, reporter=reporter)


def two_inputs(graph: onnx.GraphProto) -> None:
    graph.input.append(helper.make_tensor_value_info("valid_ratio", TensorProto.FLOAT, ["N"]))


def two_outputs(graph: onnx.GraphProto) -> None:
    graph.output.append(helper.make_tensor_value_info(graph.node[0].output[0], TensorProto.FLOAT, None))


def of_doubles(graph: onnx.GraphProto) -> None:
    graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    graph.node.insert(0, helper.make_node("Cast", ["x"], ["cast"], to=TensorProto.FLOAT))
    graph.node[1].input[0] = "cast"


def two_maps(graph: onnx.GraphProto) -> None:
    del graph.initializer[:]
    values = {"kernel": np.zeros((2, 3, 5, 5), np.float32), "bias": np.zeros(2, np.float32)}
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items())
    graph.output[0].type.tensor_type.shape.dim[1].dim_value = 2


def unstated_classes(graph: onnx.GraphProto) -> None:
    graph.output[0].type.tensor_type.shape.dim[2].dim_param = "classes"


def of_one_width(graph: onnx.GraphProto) -> None:
    """Although it states none."""
    graph.initializer.append(numpy_helper.from_array(np.array([-1, 16, 6, 40], np.int64), "shape"))
    graph.node.insert(1, helper.make_node("Reshape", ["features", "shape"], ["shaped"]))
    graph.node[2].input[0] = "shaped"


def of_at_most_200_columns(graph: onnx.GraphProto) -> None:
    """It adds what it has learnt for each position."""
    values = {"places": np.zeros((1, 16, 1, 200), np.float32)}
    values |= {"from": np.zeros(1, np.int64), "axis": np.full(1, 3, np.int64)}
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items())
    for number, node in enumerate(
        (
            helper.make_node("Shape", ["features"], ["shape"]),
            helper.make_node("Gather", ["shape", "axis"], ["width"], axis=0),
            helper.make_node("Slice", ["places", "from", "width", "axis"], ["some"]),
            helper.make_node("Add", ["features", "some"], ["placed"]),
        )
    ):
        graph.node.insert(1 + number, node)
    graph.node[5].input[0] = "placed"


def logits(graph: onnx.GraphProto) -> None:
    last = graph.node.pop()
    graph.node[-1].output[0] = last.output[0]


def grid_of_specks(graph: onnx.GraphProto) -> None:
    """A box in every 8 x 8 pixels."""
    del graph.node[:]
    del graph.initializer[:]
    speck = np.zeros((1, 1, 8, 8), np.float32)
    speck[:, :, 2:6, 2:6] = 1
    values = {"kernel": np.zeros((1, 3, 8, 8), np.float32), "bias": np.ones(1, np.float32), "speck": speck}
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items())
    graph.node.append(helper.make_node("Conv", ["x", "kernel", "bias"], ["cells"], strides=[8, 8]))
    graph.node.append(helper.make_node("ConvTranspose", ["cells", "speck"], ["y"], strides=[8, 8]))


def weights_of_nan(graph: onnx.GraphProto) -> None:
    for number, tensor in enumerate(graph.initializer):
        graph.initializer[number].CopyFrom(
            numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32("nan"), tensor.name)
        )


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("rec", two_inputs, "FLOAT [?, 3, 48, ?] and FLOAT [?] and answers"),
        ("det", two_outputs, "and answers FLOAT [?, 1, ?, ?] and FLOAT []"),
        ("det", two_maps, "and answers FLOAT [?, 2, ?, ?]"),
        ("rec", of_doubles, "but this one takes DOUBLE"),
        ("rec", unstated_classes, "must state its output as [N, T, number of classes]"),
        ("rec", of_one_width, "check that the network was exported with free sizes"),
        ("rec", of_at_most_200_columns, "cannot be run on crops [1, 48, 3200, 3]"),
        ("rec", logits, "but probabilities from 0 to 1 are needed: export it with its last softmax"),
        ("det", logits, "but probabilities from 0 to 1 are needed: export it with its last sigmoid"),
        ("det", weights_of_nan, "answers numbers from nan to nan"),
        ("det", grid_of_specks, "finds too much text on a picture of some lines"),
    ],
)
def test_a_network_that_cannot_be_served_is_refused(
    folders: dict[Role, Path],
    repository: Path,
    make_onnx: MakeOnnx,
    kind: Kind,
    change: Callable[[onnx.GraphProto], None],
    reason: str,
) -> None:
    network = make_onnx(folders[kind], kind)
    change(network.graph)
    onnx.save(network, folders[kind] / "model.onnx")
    assert reason in refusal(folders, repository)


def test_a_network_whose_weights_lie_in_a_file_that_is_not_there_is_refused(
    folders: dict[Role, Path], repository: Path, make_onnx: MakeOnnx
) -> None:
    network = make_onnx(folders["rec"], "rec")
    onnx.save(network, folders["rec"] / "model.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    (folders["rec"] / "weights").unlink()
    assert "model.onnx cannot be read" in refusal(folders, repository)
