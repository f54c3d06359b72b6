"""Request options: one table of names, types and ranges, and what an endpoint takes of it."""

import importlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_contract import options as options_module
from ocr_contract.errors import InvalidOption
from ocr_contract.options import (
    DEFAULTS,
    DETECTION,
    ENDPOINTS,
    OCR,
    OPTIONS,
    RECOGNITION,
    given_options,
    options_of,
    resolve,
    resolve_shared,
)


def test_every_option_is_taken_by_an_endpoint_and_allows_its_default():
    for name, option in OPTIONS.items():
        assert option.endpoints
        assert option.endpoints <= set(ENDPOINTS)
        assert option.range.parse(option.default) == option.default
        assert type(option.default) is option.range.kind, name
        assert option.meaning.endswith(".")


def test_what_a_request_leaves_out_is_the_model_sets_then_the_tables():
    options = resolve({"text_det_box_thresh": 0.7}, OCR, {"text_det_thresh": 0.2, "text_det_box_thresh": 0.5})
    assert options == {**DEFAULTS, "text_det_thresh": 0.2, "text_det_box_thresh": 0.7}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("text_det_limit_side_len", 960, 960),
        ("text_det_limit_side_len", "960", 960),
        ("text_det_limit_side_len", 960.0, 960),
        ("text_det_limit_type", "max", "max"),
        ("text_det_thresh", 0.25, 0.25),
        ("text_det_thresh", "0.25", 0.25),
        ("text_rec_score_thresh", 0, 0.0),
        ("use_textline_orientation", True, True),
        ("use_textline_orientation", "True", True),
        ("use_textline_orientation", "false", False),
    ],
)
def test_a_request_sets_one_value(name, value, expected):
    options = resolve({name: value}, OCR)
    assert options[name] == expected
    assert type(options[name]) is type(expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text_det_limit_side_len", 31),
        ("text_det_limit_side_len", 4001),
        ("text_det_limit_side_len", 960.5),
        ("text_det_limit_side_len", True),
        ("text_det_limit_side_len", "many"),
        ("text_det_limit_side_len", "1_000"),
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
        resolve({name: value}, OCR)
    assert name in str(raised.value)
    assert OPTIONS[name].range.expected in str(raised.value)


def test_an_unknown_option_names_those_that_there_are():
    with pytest.raises(InvalidOption, match=r'unknown option "text_det_tresh".*text_det_thresh'):
        resolve({"text_det_tresh": 0.3}, OCR)


def test_what_an_endpoint_takes_is_named_whole_and_nothing_else():
    for endpoint in ENDPOINTS:
        takes = f"; it takes {', '.join(sorted(options_of(endpoint)))}"
        with pytest.raises(InvalidOption) as unknown:
            resolve({"text_det_tresh": 0.3}, endpoint)
        assert str(unknown.value) == f'unknown option "text_det_tresh"{takes}'
        for name in set(OPTIONS) - set(options_of(endpoint)):
            with pytest.raises(InvalidOption) as known:
                resolve({name: OPTIONS[name].default}, endpoint)
            assert str(known.value) == f'"{name}" is not an option of this endpoint{takes}'


def test_a_step_of_several_endpoints_reads_what_all_of_them_take_and_leaves_the_rest():
    given = {"text_det_limit_side_len": "960", "text_rec_score_thresh": 7, "no_such_option": 1}
    assert resolve_shared(given, (OCR, DETECTION)) == {**DEFAULTS, "text_det_limit_side_len": 960}
    with pytest.raises(InvalidOption, match="text_det_limit_side_len must be"):
        resolve_shared({"text_det_limit_side_len": 1}, (OCR, DETECTION))


def test_an_endpoint_can_be_added(tmp_path, monkeypatch):
    source = Path(options_module.__file__).read_text(encoding="utf-8")
    (tmp_path / "more_options.py").write_text(source.replace('Literal["ocr", ', 'Literal["table", "ocr", '))
    monkeypatch.syspath_prepend(tmp_path)
    more = importlib.import_module("more_options")
    assert ("table", *ENDPOINTS) == more.ENDPOINTS
    assert (more.OCR, more.DETECTION, more.RECOGNITION) == (OCR, DETECTION, RECOGNITION)


@pytest.mark.parametrize(
    ("name", "endpoint"),
    [
        ("text_rec_score_thresh", DETECTION),
        ("return_word_box", DETECTION),
        ("text_det_thresh", RECOGNITION),
        ("text_rec_score_thresh", RECOGNITION),
    ],
)
def test_an_endpoint_refuses_options_of_another(name, endpoint):
    assert name not in options_of(endpoint)
    with pytest.raises(InvalidOption, match=name):
        resolve({name: DEFAULTS[name]}, endpoint)


def test_options_that_are_none_are_not_set():
    assert given_options({"text_det_thresh": None, "text_rec_score_thresh": 0}) == {"text_rec_score_thresh": 0}


@given(st.dictionaries(st.sampled_from(sorted(OPTIONS)), st.integers() | st.floats() | st.text(max_size=9) | st.none()))
def test_any_values_are_taken_or_refused(parameters):
    try:
        options = resolve(parameters, OCR)
    except InvalidOption:
        return
    assert 32 <= options["text_det_limit_side_len"] <= 4000
    assert 0 <= options["text_det_thresh"] <= 1


@pytest.mark.parametrize("given", [{"text_det_thresh": "9" * 20_000}, {"text" * 5_000: 1}])
def test_what_is_refused_is_not_repeated_at_length(given):
    with pytest.raises(InvalidOption) as raised:
        resolve(given, OCR)
    assert len(str(raised.value)) < 600


def test_bounds_of_numbers_are_the_least_and_the_greatest_that_are_taken():
    for name, option in OPTIONS.items():
        assert (option.range.bounds is None) == (option.range.kind in (bool, str)), name
        for bound, beyond in zip(option.range.bounds or (), (-1, 1), strict=False):
            assert option.range.parse(bound) == bound
            with pytest.raises(ValueError):
                option.range.parse(bound + beyond)
