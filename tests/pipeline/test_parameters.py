"""parameters.json: what a model set may state, and what is said of anything else."""

import pytest

from ocr_contract.errors import InvalidModel
from ocr_contract.options import OPTIONS
from ocr_pipeline.parameters import MAX_BYTES, MODEL_SET_OPTIONS, Parameters, read_parameters
from ocr_pipeline.stages.db_postprocess import DbVariant
from ocr_pipeline.stages.orientation import ClsInput


@pytest.fixture
def path(tmp_path):
    return tmp_path / "parameters.json"


@pytest.mark.parametrize(
    "parameters",
    [
        Parameters(),
        Parameters({"text_det_thresh": 0.2, "text_det_limit_type": "max"}, DbVariant("slow", "poly", True)),
        Parameters({name: OPTIONS[name].default for name in MODEL_SET_OPTIONS}),
        Parameters(right_to_left=True, cls=ClsInput(80, 160, True)),
    ],
)
def test_what_is_written_is_read_back(parameters, path):
    path.write_text(parameters.to_json())
    assert read_parameters(path) == parameters


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting"),
        ("", "Expecting value"),
        ("[]", "expected names with their values in braces, not []"),
        ("null", "not None"),
        ("3", "not 3"),
        ("[" * 100_000, "nested too deep"),
        ('{"thresh": 0.3}', "a model set brings no 'thresh', only text_det_limit_side_len"),
        ('{"text_rec_score_thresh": 0.3}', "a model set brings no 'text_rec_score_thresh'"),
        ('{"text_det_thresh": 2}', "text_det_thresh must be a number from 0 to 1, not 2"),
        ('{"text_det_thresh": NaN}', "not nan"),
        ('{"text_det_thresh": 1e999}', "not inf"),
        ('{"text_det_thresh": true}', "not True"),
        ('{"text_det_thresh": null}', "not None"),
        ('{"text_det_thresh": [0.3]}', "not [0.3]"),
        ('{"text_det_thresh": "0.3"}', "text_det_thresh must be a number from 0 to 1, not the text '0.3'"),
        ('{"text_det_limit_side_len": 1e308}', "must be a whole number from 32 to 4000"),
        ('{"text_det_limit_side_len": 736.5}', "must be a whole number from 32 to 4000"),
        ('{"text_det_limit_type": 5}', 'must be "min" or "max", not 5'),
        ('{"score_mode": "best"}', "score_mode must be fast or slow, not 'best'"),
        ('{"score_mode": "' + "x" * 10_000 + '"}', "score_mode must be fast or slow, not 'xxx"),
        ('{"use_dilation": 1}', "use_dilation must be true or false, not 1"),
        ('{"box_type": ["poly"]}', "box_type must be quad or poly"),
        ('{"right_to_left": "yes"}', "right_to_left must be true or false, not 'yes'"),
        ('{"cls_width": 0}', "from 1 to 1000 for height and width"),
        ('{"cls_width": 1000000000000}', "from 1 to 1000 for height and width"),
        ('{"cls_height": 48.0}', "from 1 to 1000 for height and width"),
        ('{"cls_stretch": "yes"}', "true or false for stretch, not 48, 192, 'yes'"),
        ('{"' + "x" * 10_000 + '": 1}', "a model set brings no 'xxx"),
        ('{"a": "' + "x" * MAX_BYTES + '"}', f"it has more than {MAX_BYTES} bytes"),
        (b"\xff\xfe{}", "codec can't decode"),
    ],
    ids=range(30),
)
def test_what_is_not_as_it_should_be_is_named_in_one_short_sentence(text, reason, path):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidModel) as refused:
        read_parameters(path)
    said = str(refused.value)
    assert said.startswith(f"{path} is not as it should be (")
    assert reason in said
    assert said.endswith("run ocr-convert to install a model set")
    assert "\n" not in said
    assert len(said) < 400 + len(str(path))


def test_a_file_that_is_not_there_or_cannot_be_read(path):
    with pytest.raises(InvalidModel, match=r"is missing; run ocr-convert"):
        read_parameters(path)
    path.mkdir()
    with pytest.raises(InvalidModel, match=r"cannot be read \(Is a directory\)"):
        read_parameters(path)
