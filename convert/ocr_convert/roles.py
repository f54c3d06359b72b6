"""What a network does in a model set; the set's model of that name is made of it."""

from collections.abc import Mapping
from typing import Literal, get_args

from ocr_convert.graphs.fuse import Kind

Role = Literal["det", "rec", "rec_second", "cls"]
ROLES: tuple[Role, ...] = get_args(Role)  # in the order in which they are made ready
KIND_OF: Mapping[Role, Kind] = {"det": "det", "rec": "rec", "rec_second": "rec", "cls": "cls"}
