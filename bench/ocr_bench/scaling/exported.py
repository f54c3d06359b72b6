"""What a server exports while it is under load, and the figures that may tell how loaded it is."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from ocr_contract.options import ENDPOINTS
from ocr_pipeline.repository import OPTIONAL_MODELS, READING_MODELS

Series = tuple[str, str]  # a metric, and the model that it is of; "" where it is of none

_NETWORKS = tuple(dict.fromkeys([*READING_MODELS, *OPTIONAL_MODELS]))
# As label matchers of PromQL. A step is whatever is neither a network nor an endpoint, so new steps are in it.
ENDPOINT = f'model=~"{"|".join(ENDPOINTS)}"'
STEP = f'model!~"{"|".join([*_NETWORKS, *ENDPOINTS])}"'
WAITING = f"sum(nv_inference_pending_request_count{{{STEP}}})"
BUSY = f"sum(rate(nv_inference_compute_infer_duration_us{{{STEP}}}[1m])) / 1e6"


@dataclass(frozen=True)
class Scrape:
    """What a server exported at a time, in seconds of time.monotonic."""

    at_s: float
    values: Mapping[Series, float]

    def total(self, metric: str, models: str = ".*") -> float:
        """The sum over all models whose names fit an expression."""
        return sum(
            value for (name, model), value in self.values.items() if name == metric and re.fullmatch(models, model)
        )


@dataclass(frozen=True)
class Work:
    """What a server has done so far: microseconds in each stage, by step and stage; answers of each model."""

    stages_us: Mapping[tuple[str, str], float]
    answers: Mapping[str, int]


Stretch = Sequence[Scrape]  # while the load stayed the same, oldest first


def scrape(metrics: str) -> Scrape:
    """Read what a server exports now.

    Args:
        metrics: host:port of its metrics.
    """
    return Scrape(time.monotonic(), parse(_page(metrics)))


def scrape_work(metrics: str) -> Work:
    """Read what a server has done so far; see `scrape`."""
    samples = list(_samples(_page(metrics)))
    stages = [sample for sample in samples if sample.name == "ocr_stage_duration_us"]
    answers = [sample for sample in samples if sample.name == "nv_inference_request_success"]
    return Work(
        {(sample.labels["model"], sample.labels["stage"]): sample.value for sample in stages},
        {sample.labels["model"]: int(sample.value) for sample in answers},
    )


def parse(page: str) -> dict[Series, float]:
    """The values of a page of metrics; those of one metric and model are added up."""
    values: dict[Series, float] = {}
    for sample in _samples(page):
        series = sample.name, sample.labels.get("model", "")
        values[series] = values.get(series, 0.0) + sample.value
    return values


def _page(metrics: str) -> str:
    with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=30) as answer:
        page: str = answer.read().decode("utf-8")
    return page


def _samples(page: str) -> Iterator[Sample]:
    lines = [line for line in page.splitlines() if not line.startswith("#")]  # typed counters would be given a suffix
    for family in text_string_to_metric_families("\n".join([*lines, ""])):
        yield from family.samples


@dataclass(frozen=True)
class Figure:
    """A figure that may tell load: its name, how Prometheus computes it, and its mean over a stretch of scrapes."""

    name: str
    promql: str
    over: Callable[[Stretch], float]


_ENDPOINTS = "|".join(ENDPOINTS)
_STEPS = f"(?!({'|'.join([*_NETWORKS, *ENDPOINTS])})$).+"


def _gauge(metric: str, models: str = ".*") -> Callable[[Stretch], float]:
    return lambda stretch: fmean(each.total(metric, models) for each in stretch)


def _grown(stretch: Stretch, metric: str, models: str = ".*") -> float:
    return stretch[-1].total(metric, models) - stretch[0].total(metric, models)


def _rate(metric: str, models: str = ".*") -> Callable[[Stretch], float]:
    return lambda stretch: _grown(stretch, metric, models) / (stretch[-1].at_s - stretch[0].at_s)


def _each(metric: str, models: str, counted: str) -> Callable[[Stretch], float]:
    """Growth of a metric of some models, for each answer of others; 0 where there was none."""

    def over(stretch: Stretch) -> float:
        answers = _grown(stretch, "nv_inference_request_success", counted)
        return _grown(stretch, metric, models) / answers if answers else 0.0

    return over


_waiting = _gauge("nv_inference_pending_request_count", _STEPS)
_busy_us = _rate("nv_inference_compute_infer_duration_us", _STEPS)
_time_us = _rate("nv_inference_request_duration_us", _ENDPOINTS)
_latency_us = _each("nv_inference_request_duration_us", _ENDPOINTS, _ENDPOINTS)
_queue_us = _each("nv_inference_queue_duration_us", _STEPS, _ENDPOINTS)
_queue_of_rec_us = _each("nv_inference_queue_duration_us", "rec", "rec")

_ANSWERS = f"sum(rate(nv_inference_request_success{{{ENDPOINT}}}[1m]))"
UNDER_WAY = Figure(
    "requests under way: waiting + busy",
    f"{WAITING} + {BUSY}",
    lambda stretch: _waiting(stretch) + _busy_us(stretch) / 1e6,
)
LATENCY = Figure(
    "mean latency, ms",
    f"sum(rate(nv_inference_request_duration_us{{{ENDPOINT}}}[1m])) / {_ANSWERS} / 1e3",
    lambda stretch: _latency_us(stretch) / 1e3,
)
PROCESSOR = Figure("processor use of the machine", "nv_cpu_utilization", _gauge("nv_cpu_utilization"))
FIGURES = (
    UNDER_WAY,
    Figure(
        "requests under way: time of answers",
        f"sum(rate(nv_inference_request_duration_us{{{ENDPOINT}}}[1m])) / 1e6",
        lambda stretch: _time_us(stretch) / 1e6,
    ),
    Figure("waiting before all steps", WAITING, _waiting),
    Figure(
        "waiting before `det_batcher`",
        'sum(nv_inference_pending_request_count{model="det_batcher"})',
        _gauge("nv_inference_pending_request_count", "det_batcher"),
    ),
    Figure(
        "waiting before `rec`",
        'sum(nv_inference_pending_request_count{model="rec"})',
        _gauge("nv_inference_pending_request_count", "rec"),
    ),
    Figure("busy steps", BUSY, lambda stretch: _busy_us(stretch) / 1e6),
    Figure(
        "queue time of all steps, ms an answer",
        f"sum(rate(nv_inference_queue_duration_us{{{STEP}}}[1m])) / {_ANSWERS} / 1e3",
        lambda stretch: _queue_us(stretch) / 1e3,
    ),
    Figure(
        "queue time of `rec`, ms a call",
        'sum(rate(nv_inference_queue_duration_us{model="rec"}[1m])) / '
        'sum(rate(nv_inference_request_success{model="rec"}[1m])) / 1e3',
        lambda stretch: _queue_of_rec_us(stretch) / 1e3,
    ),
    PROCESSOR,
    Figure("pages a second", "sum(rate(ocr_pages[1m]))", _rate("ocr_pages")),
    LATENCY,
)
