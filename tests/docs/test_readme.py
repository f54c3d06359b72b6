"""The READMEs: their blocks run against the real server, and what they name exists.

A block runs unless a comment `<!-- not run: why -->` stands above it. A ```text block after it is its output, in which
a line `...` stands for any number of lines.
"""

import re
import shlex
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

import ocr_bench.cli
import ocr_client.cli
import ocr_convert.cli
import ocr_serve.cli
from ocr_contract.errors import InvalidOption
from ocr_contract.options import LIMIT_TYPES, PARAMETERS, OcrOptions, with_parameters
from ocr_convert.sources.model_sets import DEFAULT_MODEL_SET, load_model_sets

ROOT = Path(__file__).resolve().parents[2]
READMES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README_CN.md")}
BLOCK = re.compile(
    r"(?:^ *<!-- not run: (?P<exempt>[^\n]+) -->\n)?"
    r"^(?P<indent> *)```(?P<language>bash|python)\n(?P<code>.*?)^(?P=indent)```\n"
    r"(?:\n^(?P=indent)```text\n(?P<output>.*?)^(?P=indent)```\n)?",
    re.MULTILINE | re.DOTALL,
)
COMMANDS = {
    "ocr-serve": ocr_serve.cli.app,
    "ocr-convert": ocr_convert.cli.app,
    "ocr-client": ocr_client.cli.app,
    "ocr-bench": ocr_bench.cli.app,
}
FOREIGN_OPTIONS = {"--shm-size", "--http-max-input-size"}  # docker's and Triton's, named in prose
BLOCK_LIMIT_S = 120
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."} - {"build", "dist"}


@dataclass(frozen=True)
class Block:
    """A block of commands or of Python."""

    language: str
    code: str
    output: str | None
    exempt: str | None


def blocks(text):
    found = []
    for match in BLOCK.finditer(text):
        code, output = textwrap.dedent(match["code"]), match["output"]
        found.append(Block(match["language"], code, output and textwrap.dedent(output), match["exempt"]))
    return found


def without_comments(code):
    return [stripped for line in code.splitlines() if (stripped := re.sub(r"(^|\s+)#.*", "", line).rstrip())]


def table_rows(text, first_column):
    """Cells of every table row whose first cell matches."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return [row for row in rows if re.fullmatch(first_column, row[0])]


def code_spans(text):
    return re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))


@pytest.fixture(params=READMES)
def readme(request):
    return READMES[request.param]


@pytest.fixture
def workplace(tmp_path):
    """A folder that a block may write to, with the sample pictures in it."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    return tmp_path


def adapted(code, server):
    """`code` with this run's server and programs in the place of those that the README names."""

    def with_url(match):
        url = server.grpc_url if "--protocol grpc" in match.string[match.end() :].split("\n")[0] else server.http_url
        return f"{match[0]} --url {url}"

    code = re.sub(r"\.venv/bin/ocr-client", with_url, code)
    code = code.replace(".venv/bin/", shlex.quote(str(Path(sys.prefix) / "bin")) + "/")
    for port, url in ((8000, server.http_url), (8001, server.grpc_url), (8002, server.metrics_url)):
        code = code.replace(f"localhost:{port}", url)
    return code


def assert_output(output, expected):
    pattern = "".join(r"(?:.*\n)*" if line == "..." else re.escape(line) + r"\s*\n" for line in expected.splitlines())
    assert re.fullmatch(pattern, output), output


RUNNING = [block for block in blocks(READMES["README.md"]) if block.exempt is None]


@pytest.mark.parametrize("block", RUNNING, ids=[f"{n}-{block.language}" for n, block in enumerate(RUNNING)])
def test_a_block_does_what_the_readme_says(server, workplace, block):
    program = ["bash", "-euo", "pipefail", "-c"] if block.language == "bash" else [sys.executable, "-c"]
    done = subprocess.run(
        [*program, adapted(block.code, server)],
        cwd=workplace,
        capture_output=True,
        text=True,
        timeout=BLOCK_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if block.output is not None:
        assert_output(done.stdout, block.output)


def test_both_readmes_have_the_same_blocks():
    english, chinese = (
        [
            (block.language, without_comments(block.code), block.output, block.exempt is None)
            for block in blocks(READMES[name])
        ]
        for name in ("README.md", "README_CN.md")
    )
    assert chinese == english
    assert len(english) > 10


def test_every_fence_is_of_a_kind_that_is_looked_at(readme):
    opened = re.findall(r"^ *```(\w+)$", readme, re.MULTILINE)
    assert set(opened) <= {"bash", "python", "text", "mermaid"}
    assert len(re.findall(r"^ *```", readme, re.MULTILINE)) == 2 * len(opened)
    assert len(blocks(readme)) == sum(language in ("bash", "python") for language in opened)


def test_relative_links_lead_somewhere(readme):
    headings = [re.sub(r"[^\w\s-]", "", line.lstrip("# ").lower()) for line in re.findall(r"^#+ .*$", readme, re.M)]
    anchors = {heading.replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", readme):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        assert not path or (ROOT / path).is_file(), target
        assert not anchor or anchor in anchors, target


def test_paths_in_the_text_exist(readme):
    """Code spans that begin with one of the project's folders; `make` and ocr-convert bring the rest."""
    named = [span for span in code_spans(readme) if span.partition("/")[0] in FOLDERS and "/" in span]
    assert len(named) > 10
    assert [span for span in named if not (ROOT / span).exists()] == []


def test_the_pictures_are_small():
    pictures = list((ROOT / "docs").iterdir())
    assert pictures
    assert all(picture.stat().st_size <= 200_000 for picture in pictures)


def test_make_targets_and_variables_exist(readme):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z_]+) \?=", makefile, re.MULTILINE))
    code = [*(block.code for block in blocks(readme)), *code_spans(readme)]
    called = [word for piece in code for word in re.findall(r"^make ([a-z]+)", piece, re.MULTILINE)]
    assert {"demo", "test", "serve"} <= set(called) <= targets
    calls = [line for piece in code for line in re.findall(r"\bmake [a-z]+ .*", piece)]
    assert {name for line in calls for name in re.findall(r"\b([A-Z_]+)=", line)} <= variables


def command_options(app):
    """The options of a command and of its subcommands."""
    command = typer.main.get_command(app)
    every = [command, *getattr(command, "commands", {}).values()]
    options = {option for one in every for parameter in one.params for option in parameter.opts}
    return options | {"--help"}


def test_options_of_the_commands_exist(readme):
    known = {name: command_options(app) for name, app in COMMANDS.items()}
    joined = [block.code.replace("\\\n", " ") for block in blocks(readme)]
    calls = [line for piece in (*joined, *code_spans(readme)) for line in piece.splitlines()]
    seen = set()
    for line in calls:
        if match := re.match(r"(?:\.venv/bin/)?(ocr-[a-z]+)\b(.*?)(?: -- .*)?$", re.sub(r"\s+#.*", "", line)):
            seen.add(match[1])
            assert set(re.findall(r"(?<!\S)--[a-z][a-z-]*", match[2])) <= known[match[1]], line
    assert seen == set(COMMANDS)
    alone = {match[0] for span in code_spans(readme) if (match := re.match(r"--[a-z-]+", span))}
    assert alone <= set().union(FOREIGN_OPTIONS, *known.values())


def test_the_subcommands_of_ocr_bench_exist(readme):
    called = re.findall(r"ocr-bench ([a-z]+)", readme)
    commands = typer.main.get_command(ocr_bench.cli.app).commands
    assert called
    assert set(called) <= set(commands)


def test_the_table_of_options_is_that_of_the_pipeline(readme):
    rows = table_rows(readme, r"`(text_det|text_rec|use)_\w+`")
    assert [row[0].strip("`") for row in rows] == list(PARAMETERS)
    for name, span, default, *_ in rows:
        option = name.strip("`")
        parameter = PARAMETERS[option]
        value = getattr(getattr(OcrOptions(), parameter.group), parameter.field)
        assert re.split(r"[ （(]", default)[0] == str(value).lower(), option
        assert_range(option, re.split(r", | to |～", span))


def assert_range(option, ends):
    def accepts(value):
        try:
            with_parameters(OcrOptions(), {option: value})
        except InvalidOption:
            return False
        return True

    if ends == ["true", "false"]:
        assert accepts(True)
        assert accepts(False)
    elif set(ends) == set(LIMIT_TYPES):
        assert all(accepts(choice) for choice in ends)
    else:
        low, high = map(int, ends)
        assert [accepts(value) for value in (low, high, low - 1, high + 1)] == [True, True, False, False], option


def test_the_table_of_tensors_is_that_of_the_model_repository(readme):
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")] for line in readme.splitlines() if line[:1] == "|"
    ]
    stated, endpoint = {}, ""
    for row in rows:
        if len(row) == 6 and row[3] in ("BYTES", "FP32"):
            endpoint = row[0] or endpoint
            direction = "output" if row[1] in ("out", "输出") else "input"
            stated[endpoint, direction, row[2]] = (row[3], row[4].strip("[]").split(", "))
    expected = {}
    for endpoint in ("ocr", "text_detection", "text_recognition"):
        path = ROOT / "model_repository" / endpoint / "config.pbtxt"
        config = text_format.Parse(path.read_text(encoding="utf-8"), ModelConfig())
        for direction in ("input", "output"):
            for tensor in getattr(config, direction):
                data_type = DataType.Name(tensor.data_type).removeprefix("TYPE_").replace("STRING", "BYTES")
                dims = ["N" if size == -1 else str(size) for size in tensor.dims]
                expected[endpoint, direction, tensor.name] = (data_type, dims)
    assert stated == expected


def test_the_model_sets_of_the_table_can_be_installed(readme):
    table = readme.partition("<!-- model-sets:begin -->")[2].partition("<!-- model-sets:end -->")[0]
    names = {row[0].split("`")[1] for row in table_rows(table, r"`.*")}
    assert DEFAULT_MODEL_SET in names
    assert names <= set(load_model_sets())


def test_the_map_names_every_folder(readme):
    mapped = {row[0].strip("`").split("/")[0] for row in table_rows(readme, r"`[\w/]+/`")}
    assert mapped == FOLDERS - {"docs"}
