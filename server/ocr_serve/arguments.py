"""What the operator hands to tritonserver behind the dashes, as far as ocr-serve must know it."""

from itertools import pairwise

from ocr_serve.errors import EnvironmentProblem

_EXIT_TIMEOUT_S = 30.0  # tritonserver's own default


def given(arguments: list[str], name: str) -> list[str]:
    """Values of an option of tritonserver, which takes --name=value and --name value."""
    words = [word for argument in arguments for word in argument.split("=", 1)]
    return [after for before, after in pairwise(words) if before == name]


def check_arguments(arguments: list[str]) -> None:
    """What is handed to tritonserver must begin with an option.

    Raises:
        EnvironmentProblem: it begins with another word.
    """
    if arguments and not arguments[0].startswith("-"):
        raise EnvironmentProblem(f"unexpected argument {arguments[0]!r}; options of tritonserver follow --")


def exit_timeout_s(arguments: list[str]) -> float:
    """Seconds that tritonserver gives to requests under way when it is told to stop, as its arguments say.

    Raises:
        EnvironmentProblem: they do not say a number.
    """
    name = "--exit-timeout-secs"
    found = given(arguments, name)
    if not found:
        return _EXIT_TIMEOUT_S
    try:
        return float(found[-1])
    except ValueError as error:
        raise EnvironmentProblem(f"{name} is a number of seconds, not {found[-1]!r}") from error
