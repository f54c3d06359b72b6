"""The documentation: its blocks run against the real server, and what it names exists.

A block runs unless a comment `<!-- not run: why -->` stands above it. A ```text block after it is its output, in which
a line `...` stands for any number of lines.
"""

import importlib.util
import re
import shlex
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import img2pdf
import pytest
import typer
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

import ocr_bench.cli
import ocr_client.cli
import ocr_convert.cli
import ocr_gateway.cli
import ocr_jobs.cli
import ocr_serve.cli
from ocr_contract.options import ENDPOINTS
from ocr_convert.sources.model_sets import DEFAULT_MODEL_SET, load_model_sets

ROOT = Path(__file__).resolve().parents[2]
README, CHINESE = "README.md", "README_CN.md"
MAX_README_LINES = 150
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("clients/**/README.md")])
}
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
    "ocr-gateway": ocr_gateway.cli.app,
    "ocr-jobs": ocr_jobs.cli.app,
    "ocr-bench": ocr_bench.cli.app,
}
# docker's, Triton's, perf_analyzer's, OCRmyPDF's, Docling's, and those of clients/examples, named in prose
FOREIGN_OPTIONS = {
    *("--shm-size", "--http-max-input-size", "--model-repository", "--model-control-mode", "--exit-timeout-secs"),
    *("--input-data", "--service-kind", "--async", "--request-parameter", "--request-count"),
    *("--measurement-mode", "--measurement-request-count", "--stability-percentage", "--max-trials"),
    *("--deskew", "--jobs", "--language", "--rotate-pages"),
    *("--option", "--scores", "--ocr-option"),
}
# Of our engine for OCRmyPDF; read as text, since OCRmyPDF is not there on every Python.
PLUGIN = ROOT / "clients" / "ocr_client" / "ocrmypdf_plugin" / "hooks.py"
PLUGIN_OPTIONS = set(re.findall(r'"(--triton-paddleocr-[a-z]+)"', PLUGIN.read_text(encoding="utf-8")))
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


def table_rows(text):
    """Cells of every table row."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def prose(text):
    """A page without its blocks."""
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)


def code_spans(text):
    return re.findall(r"`([^`\n]+)`", prose(text))


def calls(text):
    """Every line of a page that may be a command, in blocks and in the text."""
    joined = [block.code.replace("\\\n", " ") for block in blocks(text)]
    return [line.strip() for piece in (*joined, *code_spans(text)) for line in piece.splitlines()]


@pytest.fixture(params=PAGES)
def page(request):
    return PAGES[request.param]


@pytest.fixture(params=[README, CHINESE])
def readme(request):
    return PAGES[request.param]


@pytest.fixture
def workplace(tmp_path, server):
    """A folder that a block may write to, with the sample pictures, a scan and the models in it."""
    for folder in ("samples", "clients"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "page.jpg").symlink_to(ROOT / "samples" / "poster.jpg")
    (tmp_path / "scan.pdf").write_bytes(img2pdf.convert(ROOT / "samples" / "receipt.png"))
    (tmp_path / "model_repository").symlink_to(server.repository)
    return tmp_path


def adapted(code, server):
    """`code` with this run's server and programs in the place of those that the page names."""

    def with_url(match):
        rest = match.string[match.end() :].split("\n")[0]
        if "--local" in rest:
            return match[0]
        return f"{match[0]} --url {server.grpc_url if '--protocol grpc' in rest else server.http_url}"

    code = re.sub(r"\.venv/bin/ocr-client", with_url, code)
    code = code.replace(".venv/bin/", shlex.quote(str(Path(sys.prefix) / "bin")) + "/")
    for port, url in ((8000, server.http_url), (8001, server.grpc_url), (8002, server.metrics_url)):
        code = code.replace(f"localhost:{port}", url)
    return code


def assert_output(output, expected):
    # Spaces aside: the server of the tests reads with PP-OCRv4, which drops many. The pages show the default set.
    output, expected = (re.sub(" +", "", text) for text in (output, expected))
    pattern = "".join(r"(?:.*\n)*" if line == "..." else re.escape(line) + r"\s*\n" for line in expected.splitlines())
    assert re.fullmatch(pattern, output), output


def running_blocks():
    """Blocks by a name for each; one that stands on several pages runs once."""
    found = {}
    for name, text in PAGES.items():
        if name != CHINESE:  # has those of README.md
            for number, block in enumerate(blocks(text)):
                if block.exempt is None and block not in found.values():
                    found[f"{name}-{number}-{block.language}"] = block
    return found


RUNNING = running_blocks()


@pytest.mark.parametrize("block", RUNNING.values(), ids=RUNNING)
def test_a_block_does_what_the_page_says(server, workplace, block):
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


def test_both_readmes_are_short_and_have_the_same_blocks():
    english, chinese = (
        [
            (block.language, without_comments(block.code), block.output, block.exempt is None)
            for block in blocks(PAGES[name])
        ]
        for name in (README, CHINESE)
    )
    assert chinese == english
    assert len(english) >= 7
    assert all(len(PAGES[name].splitlines()) <= MAX_README_LINES for name in (README, CHINESE))


def test_every_fence_is_of_a_kind_that_is_looked_at(page):
    opened = re.findall(r"^ *```(\w+)$", page, re.MULTILINE)
    assert set(opened) <= {"bash", "python", "text", "mermaid"}
    assert len(re.findall(r"^ *```", page, re.MULTILINE)) == 2 * len(opened)
    assert len(blocks(page)) == sum(language in ("bash", "python") for language in opened)


def test_every_example_that_posts_json_says_so(page):
    """What curl and urllib declare by default, a form, ends Triton 2.51 when it is large."""
    for block in blocks(page):
        assert ("/v2/models/" in block.code and "image" in block.code) == ("Content-Type" in block.code), block.code


def anchors(text):
    """What GitHub makes of the headings of a page."""
    headings = [re.sub(r"[^\w\s-]", "", line.lstrip("# ").lower()) for line in re.findall(r"^#+ .*$", text, re.M)]
    return {heading.replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_relative_links_lead_somewhere(name):
    for target in re.findall(r"\]\(([^)]+)\)", PAGES[name]):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        linked = (ROOT / name).parent / path if path else ROOT / name
        assert linked.is_file(), target
        assert not anchor or anchor in anchors(linked.read_text(encoding="utf-8")), target


def test_every_page_is_linked_from_the_readmes(readme):
    linked = {target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", readme)}
    others = {README, CHINESE, "clients/README.md"}
    others |= {"docs/decisions.md", "clients/examples/README.md"}  # benchmarks.md and clients.md lead there
    assert set(PAGES) - others <= linked


def test_paths_in_the_text_exist(page):
    """Code spans that begin with one of the project's folders; `make` and ocr-convert bring the rest."""
    named = [
        span
        for span in code_spans(page)
        if span.partition("/")[0] in FOLDERS and re.fullmatch(r"[\w/.-]+/[\w/.-]*", span)
    ]
    assert [span for span in named if not (ROOT / span).exists()] == []


def test_the_pictures_are_small():
    pictures = list((ROOT / "docs").glob("*.jpg"))
    assert pictures
    assert all(picture.stat().st_size <= 200_000 for picture in pictures)


def test_make_targets_and_variables_exist(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z_]+) \?=|\$\(([A-Z_]+)\)", makefile, re.MULTILINE))
    lines = [line for line in calls(page) if line.startswith("make ")]
    assert {line.split()[1] for line in lines} <= targets
    assert {name for line in lines for name in re.findall(r"\b([A-Z_]+)=", line)} <= set().union(*variables)


def test_the_readmes_begin_with_the_two_commands(readme):
    code = blocks(readme)[0].code
    assert re.findall(r"^make (\w+)", code, re.MULTILINE) == ["demo", "test"]


def command_options(app):
    """The options of a command and of its subcommands."""
    command = typer.main.get_command(app)
    every = [command, *getattr(command, "commands", {}).values()]
    parameters = [parameter for one in every for parameter in one.params]
    options = {option for one in parameters for option in (*one.opts, *one.secondary_opts)}
    return options | {"--help"}


def commands_of(text):
    """Name and arguments of every call of one of the project's commands."""
    found = []
    for line in calls(text):
        if match := re.search(r"(?:^|\$\()(?:\.venv/bin/)?(ocr-[a-z]+)\b([^)]*)", re.sub(r"\s+#.*", "", line)):
            found.append((match[1], match[2].partition(" -- ")[0].split()))
    return found


def test_options_of_the_commands_exist(page):
    known = {name: command_options(app) for name, app in COMMANDS.items()}
    known["ocr-serve"] |= command_options(ocr_serve.cli.probe_app)  # which is no subcommand of typer's
    for name, arguments in commands_of(page):
        assert {word.partition("=")[0] for word in arguments if word.startswith("--")} <= known[name], arguments
    alone = {match[0] for span in code_spans(page) if (match := re.match(r"--[a-z-]+", span))}
    assert alone <= set().union(FOREIGN_OPTIONS, PLUGIN_OPTIONS, *known.values())


def test_subcommands_exist():
    seen = set()
    for text in PAGES.values():
        for name, arguments in commands_of(text):
            commands = getattr(typer.main.get_command(COMMANDS[name]), "commands", {})
            first = arguments[0] if arguments else ""
            if commands and first.isalpha():
                assert first in commands, (name, first)
            seen.add(name)
    assert seen == set(COMMANDS)


def generator():
    spec = importlib.util.spec_from_file_location("tables", ROOT / "docs" / "tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLES = generator()


@pytest.mark.parametrize(("name", "mark", "table"), TABLES.TABLES)
def test_a_table_that_follows_from_the_code_is_up_to_date(name, mark, table):
    """`.venv/bin/python docs/tables.py` writes them anew."""
    page = PAGES[f"docs/{name}"]
    assert TABLES.written(page, mark, table()) == page


def test_the_table_of_tensors_is_that_of_the_model_repository():
    stated, endpoint = {}, ""
    for row in table_rows(PAGES["docs/options.md"]):
        cells = [cell.strip("`") for cell in row]
        if len(cells) == 6 and cells[3] in ("BYTES", "FP32", "INT32", "UINT8"):
            endpoint = cells[0] or endpoint
            direction = {"in": "input", "out": "output"}[cells[1]]
            stated[endpoint, direction, cells[2]] = (cells[3], cells[4].strip("[]").split(", "))
    expected = {}
    for endpoint in ENDPOINTS:
        path = ROOT / "model_repository" / endpoint / "config.pbtxt"
        config = text_format.Parse(path.read_text(encoding="utf-8"), ModelConfig())
        for direction in ("input", "output"):
            for tensor in getattr(config, direction):
                data_type = DataType.Name(tensor.data_type).removeprefix("TYPE_").replace("STRING", "BYTES")
                free = iter("HW" if data_type == "UINT8" else "M" if tensor.name.startswith("word") else "N")
                dims = [next(free) if size == -1 else str(size) for size in tensor.dims]
                expected[endpoint, direction, tensor.name] = (data_type, dims)
    assert stated == expected


def test_the_model_sets_of_the_readmes_can_be_installed(readme):
    table = readme.partition("<!-- model-sets:begin -->")[2].partition("<!-- model-sets:end -->")[0]
    names = [row[0] for row in table_rows(table) if row[0].startswith("`")]
    assert names[0].startswith(f"`{DEFAULT_MODEL_SET}`")
    assert {name.split("`")[1] for name in names} <= set(load_model_sets())


def test_the_limits_are_those_of_the_model_repository():
    """The table of docs/serving.md and the configurations name the same numbers."""
    numbers = {"max_pixels": "100 million", "max_bytes": "64 MiB", "max_lines": "10,000", "max_images": "1,024"}
    numbers |= {"max_in_flight": "64", "max_at_work": "8", "max_seconds": "300 s"}
    units = {"million": 1_000_000, "MiB": 2**20, "s": 1}
    limits = {
        match[1]: row[1]
        for row in table_rows(PAGES["docs/serving.md"])
        if len(row) == 3 and (match := re.match(r"`(max_\w+)` in", row[2]))
    }
    assert limits == numbers
    for name, text in limits.items():
        amount, _, unit = text.replace(",", "").partition(" ")
        for path in (ROOT / "model_repository").glob("*/config.pbtxt"):
            config = text_format.Parse(path.read_text(encoding="utf-8"), ModelConfig())
            if name in config.parameters:
                assert int(config.parameters[name].string_value) == int(amount) * units.get(unit, 1)


def test_contributing_names_every_folder():
    named = {row[0].strip("`").split("/")[0] for row in table_rows(PAGES["CONTRIBUTING.md"]) if "/`" in row[0]}
    assert named == FOLDERS
