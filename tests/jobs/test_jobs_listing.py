import errno
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
        ("**", ["a.PDF", "b.png", "in/c.tif", "in/deep/d.jpg"]),
        ("i?/**/d.*", ["in/deep/d.jpg"]),
        ("*/deep/d.jpg", ["in/deep/d.jpg"]),
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
        ("[z-a].png", "is no pattern: bad character range z-a"),
        ("file:///tmp/[z-a].png", "is no pattern: bad character range z-a"),
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


def test_an_empty_argument_does_not_mean_the_current_folder(tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tree)
    with pytest.raises(JobRefused, match="--input '' is empty"):
        list_inputs([""], tmp_path / "out")


@pytest.mark.parametrize("argument", ["", "**/*", "**"])
def test_links_that_lead_in_circles_are_not_followed(tree, tmp_path, argument):
    (tree / "in" / "round").symlink_to(tree)
    assert names([tree / argument], tmp_path / "out", tree) == ["a.PDF", "b.png", "in/c.tif", "in/deep/d.jpg"]


@pytest.mark.parametrize("argument", ["", "**/*", "*/*"])
def test_a_folder_that_cannot_be_listed_is_named(tree, tmp_path, monkeypatch, argument):
    real = os.scandir

    def scandir(path):
        if os.fspath(path) == str(tree / "in"):  # permissions do not keep root out
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(JobRefused, match=r"/in' cannot be listed \(Permission denied\): make it readable"):
        list_inputs([str(tree / argument)], tmp_path / "out")


def test_two_inputs_that_the_tables_could_not_tell_apart_are_refused(tmp_path):
    for name in (b"caf\xe9.png", b"caf\\xe9.png"):
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    with pytest.raises(JobRefused, match=r"two inputs would have the name .*rename one"):
        list_inputs([str(tmp_path)], tmp_path / "out")


def test_a_year_that_the_tables_do_not_know_is_the_last_one_they_do(tmp_path):
    late = tmp_path / "late.png"
    late.write_bytes(b"x")
    os.utime(late, ns=(0, 2**63 + 5))
    (one,) = list_inputs([str(late)], tmp_path / "out")
    assert one.modified_ns == min(late.stat().st_mtime_ns, 2**63 - 1)


@pytest.mark.timeout(20)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (one,) = list_inputs([str(tmp_path)], tmp_path / "out")
    with pytest.raises(InputUnreadable, match="it is a pipe"), fetched(Stores(), one.store, one.location):
        pass


def test_a_name_that_is_not_utf8_is_listed_and_read(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(b"x")
    (one,) = list_inputs([str(tmp_path)], tmp_path / "out")
    assert one.path == f"{tmp_path}/caf\\xe9.png"
    with fetched(Stores(), one.store, one.location) as (content, _, size):
        assert (content, size) == (b"x", 1)


def test_a_name_that_is_not_utf8_is_refused_in_a_uri(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(b"x")
    with pytest.raises(JobRefused, match="holds a name that is not UTF-8: give its path"):
        list_inputs([f"file://{tmp_path}"], tmp_path / "out")


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
