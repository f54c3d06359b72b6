"""Request options: names, types, ranges, and what an endpoint takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_contract.errors import InvalidModel, InvalidOption
from ocr_contract.options import (
    ALL_PARAMETERS,
    DETECTION_PARAMETERS,
    PARAMETERS,
    DbParameters,
    DetResize,
    OcrOptions,
    read_json,
    to_json,
    with_parameters,
)


def test_no_parameters_leave_the_model_sets_values():
    defaults = OcrOptions(db=DbParameters(thresh=0.2))
    assert with_parameters(defaults, {}) == defaults


@pytest.mark.parametrize(
    ("name", "value", "group", "field", "expected"),
    [
        ("text_det_limit_side_len", 960, "det_resize", "limit_side_len", 960),
        ("text_det_limit_side_len", "960", "det_resize", "limit_side_len", 960),
        ("text_det_limit_side_len", 960.0, "det_resize", "limit_side_len", 960),
        ("text_det_limit_type", "max", "det_resize", "limit_type", "max"),
        ("text_det_thresh", 0.25, "db", "thresh", 0.25),
        ("text_det_thresh", "0.25", "db", "thresh", 0.25),
        ("text_rec_score_thresh", 0, "rec", "score_thresh", 0.0),
        ("use_textline_orientation", True, "rec", "use_textline_orientation", True),
        ("use_textline_orientation", "True", "rec", "use_textline_orientation", True),
        ("use_textline_orientation", "false", "rec", "use_textline_orientation", False),
    ],
)
def test_a_parameter_overrides_one_value(name, value, group, field, expected):
    options = with_parameters(OcrOptions(), {name: value})
    assert getattr(getattr(options, group), field) == expected
    assert type(getattr(getattr(options, group), field)) is type(expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text_det_limit_side_len", 31),
        ("text_det_limit_side_len", 4001),
        ("text_det_limit_side_len", 960.5),
        ("text_det_limit_side_len", True),
        ("text_det_limit_side_len", "many"),
        ("text_det_limit_side_len", None),
        ("text_det_limit_side_len", [960]),
        ("text_det_limit_side_len", float("inf")),
        ("text_det_limit_type", "resize_long"),
        ("text_det_limit_type", ["min"]),
        ("text_det_thresh", 1.01),
        ("text_det_thresh", float("nan")),
        ("text_det_thresh", "nan"),
        ("use_textline_orientation", 1),
        ("use_textline_orientation", "yes"),
    ],
)
def test_an_ill_typed_or_out_of_range_value_names_the_option_and_its_range(name, value):
    with pytest.raises(InvalidOption) as raised:
        with_parameters(OcrOptions(), {name: value})
    assert name in str(raised.value)
    assert PARAMETERS[name].expected in str(raised.value)


def test_an_unknown_option_names_those_that_there_are():
    with pytest.raises(InvalidOption, match=r'unknown option "text_det_tresh".*text_det_thresh'):
        with_parameters(OcrOptions(), {"text_det_tresh": 0.3})


def test_an_endpoint_refuses_options_of_another():
    with pytest.raises(InvalidOption, match="text_rec_score_thresh"):
        with_parameters(OcrOptions(), {"text_rec_score_thresh": 0.3}, DETECTION_PARAMETERS)


@given(st.dictionaries(st.sampled_from(sorted(ALL_PARAMETERS)), st.integers() | st.floats() | st.text() | st.none()))
def test_any_values_are_taken_or_refused(parameters):
    try:
        options = with_parameters(OcrOptions(), parameters)
    except InvalidOption:
        return
    assert 32 <= options.det_resize.limit_side_len <= 4000
    assert 0 <= options.db.thresh <= 1


@pytest.mark.parametrize("options", [DetResize(960, "max", 4000), DbParameters(0.2, 0.45, 1.4, 3000)])
def test_parameters_json_round_trip(options, tmp_path):
    (tmp_path / "parameters.json").write_text(to_json(options))
    assert read_json(tmp_path / "parameters.json", type(options)) == options


@pytest.mark.parametrize("text", [None, "{", "[]", '{"thresh": 0.3}'])
def test_a_missing_or_wrong_parameters_json_says_what_to_run(text, tmp_path):
    path = tmp_path / "parameters.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InvalidModel, match="ocr-convert"):
        read_json(path, DbParameters)
