"""A page's resources, changed for this page alone: pages share dictionaries, or inherit them."""

from __future__ import annotations

import pikepdf
from pikepdf import Dictionary, Object

from ocr_documents.pdf.page_space import inherited


def dictionary(value: Object | None) -> Object:
    """The value if it is a dictionary, or else an empty one."""
    return value if isinstance(value, Dictionary) else Dictionary()


def shallow_copy(entries: Object) -> Dictionary:
    """A dictionary with the same entries; what they refer to is not copied."""
    copy = Dictionary()
    for key, value in entries.items():
        copy[key] = value
    return copy


def own_resources(page: pikepdf.Page) -> Object:
    """Give a page resources of its own, with the entries of those that it shared or inherited."""
    page.obj.Resources = shallow_copy(dictionary(inherited(page, "/Resources")))
    return page.obj.Resources


def own_entries(resources: Object, category: str) -> Object:
    """Likewise a category of resources, such as /Font."""
    resources[category] = shallow_copy(dictionary(resources.get(category)))
    return resources[category]


def free_name(entries: Object, wanted: str) -> str:
    """A name that no entry has: the wanted one, or that with a number."""
    name, number = wanted, 1
    while name in entries:
        number += 1
        name = f"{wanted}{number}"
    return name
