import os
import threading
import zipfile
from pathlib import Path, PurePath

import pytest

from ocr_client import UsageError
from ocr_client.cli.inputs import expand
from ocr_documents.errors import BrokenDocument, DocumentTooLarge, EncryptedDocument


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "b.PNG",
        "a.jpg",
        "note.txt",
        ".hidden.jpg",
        "sub/c.webp",
        "sub/deep/a.jpg",
        "sub/d.pdf",
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
        (["."], ["a.jpg", "b.PNG", "sub/c.webp", "sub/d.pdf", "sub/deep/a.jpg"]),
        (["sub"], ["sub/c.webp", "sub/d.pdf", "sub/deep/a.jpg"]),
        (["*"], ["a.jpg", "b.PNG", "sub/c.webp", "sub/d.pdf", "sub/deep/a.jpg"]),
        (["*.jpg"], ["a.jpg"]),
        (["**/*.jpg"], ["a.jpg", "sub/deep/a.jpg"]),
        (["sub/deep/a.jpg", ".", "./a.jpg"], ["sub/deep/a.jpg", "a.jpg", "b.PNG", "sub/c.webp", "sub/d.pdf"]),
        (["a.jpg", "-"], ["a.jpg", "-"]),
    ],
)
def test_arguments_mean_pictures_in_order_and_once(arguments: list[str], names: list[str]) -> None:
    assert [source.name for source in expand(arguments)] == names


def test_absolute_patterns_work(folder: Path) -> None:
    assert [source.path for source in expand([f"{folder}/s*/*"])] == [
        *(folder / "sub/c.webp", folder / "sub/d.pdf", folder / "sub/deep/a.jpg")
    ]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["c.jpg"], "there is no file or folder 'c.jpg'"),
        (["a.jpg", "*.gif"], "the pattern '\\*.gif' matches no document"),
        (["none"], "the folder 'none' holds no document"),
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
    assert outputs == [PurePath(p) for p in ("a", "b", "sub/b", "sub/c", "sub/d", "sub/deep/a", "stdin")]
    same_names = [source.output for source in expand(["a.jpg", "sub/deep/a.jpg"])]
    assert same_names == [PurePath("a"), PurePath("a-2")]


def test_a_file_whose_name_is_a_pattern_is_that_file(folder: Path) -> None:
    (folder / "[a].jpg").write_bytes(b"x")
    assert [source.path for source in expand(["[a].jpg"])] == [Path("[a].jpg")]


def test_a_name_that_is_not_utf8_can_be_printed(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    assert "�.jpg" in [source.name for source in expand(["."])]


def test_a_name_that_would_move_the_cursor_is_shown_without(folder: Path) -> None:
    (folder / "\x1b[2Jé.jpg").write_bytes(b"x")
    assert "\ufffd[2Jé.jpg" in [source.name for source in expand(["."])]


def archive(path: str, *members: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for member in members:
            file.writestr(member, f"bytes of {member}")


@pytest.mark.usefixtures("folder")
def test_an_archive_is_read_as_a_folder() -> None:
    archive("book.cbz", "2.jpg", "1.png", "notes.txt", "in/3.pdf", "__MACOSX/._1.png", ".hidden.jpg", "inner.zip")
    sources = expand(["book.cbz"])
    assert [source.name for source in sources] == ["book.cbz/1.png", "book.cbz/2.jpg", "book.cbz/in/3.pdf"]
    assert [source.output for source in sources] == [PurePath(name) for name in ("1", "2", "in/3")]
    assert [source.content() for source in sources] == [b"bytes of 1.png", b"bytes of 2.jpg", b"bytes of in/3.pdf"]
    assert not any(source.named for source in sources)


@pytest.mark.usefixtures("folder")
def test_an_archive_in_a_folder_is_a_folder_of_it() -> None:
    archive("sub/book.zip", "1.png")
    assert PurePath("book/1") in [source.output for source in expand(["sub"])]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "name", ["../../up.png", "/etc/up.png", "a/../../up.png", "..\\up.png", "C:\\up.png", "./up.png"]
)
def test_names_in_an_archive_do_not_lead_out_of_the_folder_of_outputs(name: str) -> None:
    archive("bad.zip", name)
    (source,) = expand(["bad.zip"])
    assert not source.output.is_absolute()
    assert ".." not in source.output.parts
    assert source.output.name == "up"
    assert source.content() == f"bytes of {name}".encode()


@pytest.mark.usefixtures("folder")
def test_members_of_one_name_are_all_read() -> None:
    archive("twice.zip", "a/../1.png", "a/1.png")
    assert [source.output for source in expand(["twice.zip"])] == [PurePath("a/1"), PurePath("a/1-2")]


@pytest.mark.usefixtures("folder")
def test_an_archive_that_is_none_is_a_failure_of_that_document_only() -> None:
    Path("bad.zip").write_bytes(b"PK\3\4 no archive")
    first, second = expand(["bad.zip", "a.jpg"])
    with pytest.raises(BrokenDocument, match="not a ZIP file, or a broken one"):
        first.content()
    assert second.content() == Path("a.jpg")


@pytest.mark.usefixtures("folder")
def test_an_archive_without_documents_is_an_error_where_it_is_named() -> None:
    archive("none.zip", "a.txt")
    with pytest.raises(UsageError, match=r"the archive 'none\.zip' holds no document"):
        expand(["none.zip"])


@pytest.mark.usefixtures("folder")
def test_a_member_is_unpacked_within_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    archive("bomb.zip", "1.png")
    monkeypatch.setattr("ocr_client.cli.archives.MOST_BYTES", 10)
    (source,) = expand(["bomb.zip"])
    with pytest.raises(DocumentTooLarge, match="unpacks to more than"):
        source.content()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("at", [40, 45, 50])
def test_a_member_that_is_damaged_is_one_sentence(at: int) -> None:
    archive("damaged.zip", "1.png")
    content = bytearray(Path("damaged.zip").read_bytes())
    content[at - 5 : at] = b"\xff" * 5
    Path("damaged.zip").write_bytes(content)
    (source,) = expand(["damaged.zip"])
    with pytest.raises(BrokenDocument, match="cannot be unpacked: "):
        source.content()


@pytest.mark.usefixtures("folder")
def test_a_member_with_a_password_is_one_sentence() -> None:
    archive("secret.zip", "1.png")
    content = bytearray(Path("secret.zip").read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    Path("secret.zip").write_bytes(content)
    (source,) = expand(["secret.zip"])
    with pytest.raises(EncryptedDocument, match="is encrypted in its archive"):
        source.content()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("argument", [".", "**/*", "*"])
def test_outputs_of_an_earlier_run_are_no_inputs(argument: str) -> None:
    Path("out/deep").mkdir(parents=True)
    for name in ("out/a.pdf", "out/deep/b.pdf"):
        Path(name).write_bytes(b"x")
    with_them, without = (
        [source.name for source in expand([argument], without=folders)] for folders in ([], [Path("./out")])
    )
    assert set(with_them) - set(without) == {"out/a.pdf", "out/deep/b.pdf"}
    assert [source.name for source in expand(["out"], without=[Path("out")])] == ["out/a.pdf", "out/deep/b.pdf"]


def test_a_pipe_is_read_when_it_is_reached(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    writer = threading.Thread(target=(folder / "pipe").write_bytes, args=(b"x" * 100_000,))
    (source,) = expand(["pipe"])
    writer.start()
    assert source.content() == b"x" * 100_000
    writer.join(10)


def test_what_has_no_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocr_client.cli.inputs.MOST_BYTES", 1000)
    (source,) = expand(["/dev/zero"])
    with pytest.raises(DocumentTooLarge, match="name it as a file"):
        source.content()


@pytest.mark.usefixtures("folder")
def test_many_files_of_one_name_are_numbered() -> None:
    for number in range(300):
        Path(f"n{number:03}").mkdir()
        Path(f"n{number:03}/page.png").write_bytes(b"x")
    outputs = [source.output.name for source in expand(["n*/page.png"])]
    assert outputs == ["page", *(f"page-{number}" for number in range(2, 301))]
