import hashlib
import os

import fsspec
import pytest
from tests.jobs.small_s3 import serving

from ocr_jobs.errors import InputUnreadable, InputVanished, JobRefused
from ocr_jobs.listing import list_inputs
from ocr_jobs.storage import Stores, fetched


def names(arguments, without, root):
    return [each.path.removeprefix(f"{root}/") for each in list_inputs(map(str, arguments), without)]


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    for name in ("b.png", "a.PDF", "note.txt", "pack.zip", ".hidden.png", "in/c.tif", "in/deep/d.jpg", ".cache/e.png"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


@pytest.mark.parametrize(
    ("argument", "found"),
    [
        ("", ["a.PDF", "b.png", "in/c.tif", "in/deep/d.jpg"]),
        ("note.txt", ["note.txt"]),
        ("*", ["a.PDF", "b.png"]),
        ("**/*.jpg", ["in/deep/d.jpg"]),
        ("**/*", ["a.PDF", "b.png", "in/c.tif", "in/deep/d.jpg"]),
        ("in/?.[ts]if", ["in/c.tif"]),
        (".*.png", [".hidden.png"]),
    ],
)
def test_a_file_a_folder_and_a_pattern_mean_the_same_documents_here_and_in_a_store(tree, tmp_path, argument, found):
    here = f"{tree}/{argument}" if argument else str(tree)
    assert names([here], tmp_path / "out", tree) == found
    there = f"file://{tree}/{argument}" if argument else f"file://{tree}"
    assert names([there], tmp_path / "out", f"file://{tree}") == found


def test_an_input_that_several_arguments_mean_is_listed_once(tree, tmp_path):
    assert names([tree / "b.png", tree / "*.png", tree], tmp_path / "out", tree).count("b.png") == 1


def test_the_folder_of_the_results_is_not_searched(tree):
    assert names([tree], tree / "in", tree) == ["a.PDF", "b.png"]
    assert names([tree / "**" / "*"], tree / "in", tree) == ["a.PDF", "b.png"]


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("none.png", "there is no file or folder"),
        ("empty", "holds no document"),
        ("*.webp", "holds no document"),
        ("file:///no/such/folder", "there is no file or folder"),
        ("file:///no/such/*.png", "there is no folder 'file:///no/such'"),
        ("nosuch://bucket/x", "cannot be opened: Protocol not known: nosuch"),
    ],
)
def test_an_argument_that_means_nothing_is_refused(tmp_path, argument, sentence):
    (tmp_path / "empty").mkdir()
    given = argument if "://" in argument else str(tmp_path / argument)
    with pytest.raises(JobRefused, match=sentence.replace("*", r"\*")):
        list_inputs([given], tmp_path / "out")


@pytest.mark.parametrize(
    "uri", ["s3://KEY:SECRET@bucket/a?nothing=1", "s3://KEY:SE/CRET@bucket/a", "nothing://KEY:SECRET@b/c"]
)
def test_no_message_tells_the_keys_of_a_store(tmp_path, uri):
    with pytest.raises(JobRefused) as refusal:
        list_inputs([uri], tmp_path)
    assert "CRET" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_name_that_is_not_utf8_is_listed_and_read(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(b"x")
    (one,) = list_inputs([str(tmp_path)], tmp_path / "out")
    assert one.path == f"{tmp_path}/caf\\xe9.png"
    with fetched(Stores(), one.store, one.location) as (content, _, size):
        assert (content, size) == (b"x", 1)


def test_other_schemes_are_read_through_fsspec(tmp_path):
    store = fsspec.filesystem("memory")
    for name in ("a b%20.png", "in/c.pdf", "in/.d.pdf"):
        store.pipe_file(f"/bucket/{name}", name.encode())
    listed = list_inputs(["memory://bucket"], tmp_path)
    assert [each.path for each in listed] == ["memory://bucket/a b%20.png", "memory://bucket/in/c.pdf"]
    assert [each.size_bytes for each in listed] == [10, 8]
    with fetched(Stores(), listed[0].store, listed[0].location) as (content, sha256, _):
        assert (content, sha256) == (b"a b%20.png", hashlib.sha256(b"a b%20.png").hexdigest())
    store.rm("/bucket", recursive=True)
    with pytest.raises(InputVanished, match="is gone"), fetched(Stores(), listed[1].store, listed[1].location):
        pass


def test_a_large_file_is_not_held_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("ocr_jobs.storage.IN_MEMORY_BYTES", 1000)
    (tmp_path / "large.pdf").write_bytes(bytes(3000))
    for argument in (str(tmp_path), f"file://{tmp_path}"):
        (one,) = list_inputs([argument], tmp_path / "out")
        with fetched(Stores(), one.store, one.location) as (content, _, size):
            assert content.read_bytes() == bytes(3000)
            assert size == 3000
            assert (content == tmp_path / "large.pdf") == ("://" not in argument)


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    (tmp_path / "folder.png").mkdir()
    with (
        pytest.raises(InputUnreadable, match="cannot be read: Is a directory"),
        fetched(Stores(), "", os.fsencode(tmp_path / "folder.png")),
    ):
        pass


def test_an_s3_server_is_listed_and_read(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    objects = {"scans/a 1%.png": b"first", "scans/in/b.pdf": b"second", "scans/c.txt": b"", "other/d.png": b""}
    with serving("bucket", objects) as address:
        where = f"?endpoint_override={address}&scheme=http&region=x"
        listed = list_inputs([f"s3://bucket/scans{where}"], tmp_path)
        assert [each.path for each in listed] == ["s3://bucket/scans/a 1%.png", "s3://bucket/scans/in/b.pdf"]
        assert [each.path for each in list_inputs([f"s3://bucket/**/*.p?g{where}"], tmp_path)] == [
            "s3://bucket/other/d.png",
            "s3://bucket/scans/a 1%.png",
        ]
        stores = Stores()
        for each, content in zip(listed, (b"first", b"second"), strict=True):
            with fetched(stores, each.store, each.location) as (found, _, _):
                assert found == content
        assert listed[0].modified_ns > 0
        del objects["scans/in/b.pdf"]
        with pytest.raises(InputVanished, match="is gone"), fetched(stores, listed[1].store, listed[1].location):
            pass
        with pytest.raises(JobRefused, match=r"there is no file or folder 's3://bucket/none"):
            list_inputs([f"s3://bucket/none{where}"], tmp_path)
