import os
from pathlib import Path, PurePath

import pytest

from ocr_client import UsageError
from ocr_client.cli.inputs import expand


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "b.PNG",
        "a.jpg",
        "note.txt",
        ".hidden.jpg",
        "sub/c.webp",
        "sub/deep/a.jpg",
        ".git/d.png",
        "none/x.md",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], []),
        (["a.jpg"], ["a.jpg"]),
        (["note.txt"], ["note.txt"]),  # named on its own: the server decides
        (["b.PNG", "a.jpg"], ["b.PNG", "a.jpg"]),
        (["."], ["a.jpg", "b.PNG", "sub/c.webp", "sub/deep/a.jpg"]),
        (["sub"], ["sub/c.webp", "sub/deep/a.jpg"]),
        (["*"], ["a.jpg", "b.PNG", "sub/c.webp", "sub/deep/a.jpg"]),
        (["*.jpg"], ["a.jpg"]),
        (["**/*.jpg"], ["a.jpg", "sub/deep/a.jpg"]),
        (["sub/deep/a.jpg", ".", "./a.jpg"], ["sub/deep/a.jpg", "a.jpg", "b.PNG", "sub/c.webp"]),
        (["a.jpg", "-"], ["a.jpg", "-"]),
    ],
)
def test_arguments_mean_pictures_in_order_and_once(arguments: list[str], names: list[str]) -> None:
    assert [source.name for source in expand(arguments)] == names


def test_absolute_patterns_work(folder: Path) -> None:
    assert [source.path for source in expand([f"{folder}/s*/*"])] == [folder / "sub/c.webp", folder / "sub/deep/a.jpg"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["c.jpg"], "there is no file or folder 'c.jpg'"),
        (["a.jpg", "*.gif"], "the pattern '\\*.gif' matches no picture"),
        (["none"], "the folder 'none' holds no picture"),
        (["-", "-"], "only once"),
    ],
)
def test_an_argument_without_a_picture_is_an_error(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        expand(arguments)


@pytest.mark.usefixtures("folder")
def test_outputs_keep_the_folders_below_the_argument_and_never_collide() -> None:
    Path("sub/b.jpg").write_bytes(b"x")
    outputs = [source.output for source in expand([".", "sub/b.jpg", "-"])]
    assert outputs == [PurePath(p) for p in ("a", "b", "sub/b", "sub/c", "sub/deep/a", "stdin")]
    same_names = [source.output for source in expand(["a.jpg", "sub/deep/a.jpg"])]
    assert same_names == [PurePath("a"), PurePath("a-2")]


def test_a_file_whose_name_is_a_pattern_is_that_file(folder: Path) -> None:
    (folder / "[a].jpg").write_bytes(b"x")
    assert [source.path for source in expand(["[a].jpg"])] == [Path("[a].jpg")]


def test_a_name_that_is_not_utf8_can_be_printed(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    assert "�.jpg" in [source.name for source in expand(["."])]
