"""A flag of the command line for every option of a request, made from the table of options."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Annotated, Any

import typer

from ocr_contract.errors import InvalidOption
from ocr_contract.options import OPTIONS, Value, parse_option


def with_option_flags(
    endpoints: Mapping[str, str], without: Collection[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command that ends in `**options` have a flag in place of it for each option of its tasks.

    What a flag is given is checked against the table: what is wrong ends the command with exit code 2. A flag that
    is left out is None.

    Args:
        endpoints: by task; a flag that not all of them take says which do.
        without: options that get no flag.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
        takers = {
            name: [task for task, each in endpoints.items() if each in OPTIONS[name].endpoints] for name in OPTIONS
        }
        flags = [
            _flag(name, "" if len(tasks) == len(endpoints) else f" (--task {', '.join(tasks)})")
            for name, tasks in takers.items()
            if tasks and name not in without
        ]
        command.__signature__ = signature.replace(parameters=[*own, *flags])  # type: ignore[attr-defined]
        command.__annotations__ = {one.name: one.annotation for one in (*own, *flags)}
        return command

    return decorate


def _flag(name: str, tasks: str) -> inspect.Parameter:
    option = OPTIONS[name]
    kind: Any = option.range.kind
    details: Mapping[str, Any] = {"help": f"{option.meaning}{tasks}"}
    if kind is not bool:
        details = {
            "help": f"{option.meaning} [{option.range.expected}]{tasks}",
            "metavar": f"<{'|'.join(option.range.choices) or kind.__name__}>",
            "parser": partial(_parse, name),
        }
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, typer.Option(**details)],
    )


def _parse(name: str, text: str) -> Value:
    try:
        return parse_option(name, text)
    except InvalidOption as error:
        raise typer.BadParameter(str(error)) from error
