"""Notes of what was read: whole or none, one process at a time."""

import json
import subprocess
import sys
import threading
from pathlib import Path, PurePath

import pytest

from ocr_contract.result import OcrResult
from ocr_documents.document import PageResult
from ocr_documents.errors import CannotWrite, JobInUse
from ocr_documents.parts import JobState, Parts, digest, key

BOX = [[0.1, 0.2], [9.3, 0], [9, 9], [1 / 3, 9]]
RESULT = OcrResult.from_dict(
    {
        **{"boxes": [BOX], "texts": ["发票 😀 \ud800\n"], "scores": [1 / 3], "box_scores": [0.7]},
        **{"words": ["发"], "word_boxes": [BOX], "word_scores": [0.1], "word_lines": [0]},
    }
)
OUTPUT = PurePath("sub/a.pdf")


def page(number: int) -> PageResult:
    return PageResult(number, 1654, 2339, 200.0, "ocr", RESULT)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    with JobState(tmp_path / "notes") as state:
        return state.parts(key(document="a"))


def test_a_page_comes_back_as_it_was(parts: Parts) -> None:
    assert parts.load(1) is None
    parts.save(page(1))
    loaded = parts.load(1)
    assert loaded == page(1)
    assert loaded is not None
    assert json.dumps(loaded.to_dict()) == json.dumps(page(1).to_dict())
    assert parts.load(2) is None


def test_a_part_that_is_broken_anywhere_counts_as_none(parts: Parts, tmp_path: Path) -> None:
    parts.save(page(1))
    (file,) = tmp_path.glob("notes/parts/*.json")
    whole = file.read_bytes()
    for at in range(0, len(whole), 7):
        file.write_bytes(whole[:at])
        assert parts.load(1) is None
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert parts.load(1) is None
    file.write_bytes(whole)
    assert parts.load(1) == page(1)


def test_a_part_of_another_document_or_page_counts_as_none(tmp_path: Path) -> None:
    with JobState(tmp_path / "notes") as state:
        mine, other = state.parts(key(document="a")), state.parts(key(document="b"))
        other.save(page(1))
        (file,) = tmp_path.glob("notes/parts/*.json")
        file.rename(file.with_name(f"{key(document='a')}-1.json"))
        assert mine.load(1) is None
        mine.save(page(2))
        (tmp_path / "notes" / "parts" / f"{key(document='a')}-2.json").rename(
            file.with_name(f"{key(document='a')}-3.json")
        )
        assert mine.load(3) is None


def test_keys_differ_where_anything_differs() -> None:
    first = key(document="a", dpi=200, options={"x": 1})
    assert first == key(options={"x": 1}, dpi=200, document="a")
    assert (
        len({first, key(document="b", dpi=200, options={"x": 1}), key(document="a", dpi=200, options={"x": True})}) == 3
    )


def test_a_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 999_999)
    assert digest(tmp_path / "a") == digest(b"abc" * 999_999) != digest(b"abc")


def test_parts_of_a_finished_document_are_removed_and_no_others(tmp_path: Path) -> None:
    with JobState(tmp_path / "notes") as state:
        mine, other = state.parts(key(document="a")), state.parts(key(document="b"))
        for parts in (mine, other):
            parts.save(page(1))
        mine.remove()
        assert (mine.load(1), other.load(1)) == (None, page(1))


def test_an_output_is_finished_while_it_exists_and_was_the_last_of_its_name(tmp_path: Path) -> None:
    with JobState(tmp_path / "notes") as state:
        assert not state.is_finished(OUTPUT, "a")
        (tmp_path / "sub").mkdir()
        (tmp_path / OUTPUT).write_bytes(b"x")
        state.finish(OUTPUT, "a")
        assert state.is_finished(OUTPUT, "a")
        assert not state.is_finished(OUTPUT, "b")
        state.finish(OUTPUT, "b")
        assert not state.is_finished(OUTPUT, "a")
        (tmp_path / OUTPUT).unlink()
        assert not state.is_finished(OUTPUT, "b")


def test_an_output_that_another_run_wrote_is_not_taken_for_the_noted_one(tmp_path: Path) -> None:
    JobState(tmp_path / "notes").forget(OUTPUT)  # there are no notes at all
    with JobState(tmp_path / "notes") as state:
        (tmp_path / "sub").mkdir()
        (tmp_path / OUTPUT).write_bytes(b"x")
        state.finish(OUTPUT, "a")
        JobState(tmp_path / "notes").forget(OUTPUT)
        assert not state.is_finished(OUTPUT, "a")


def test_the_second_of_two_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    with JobState(notes), pytest.raises(JobInUse, match="another process works on"), JobState(notes):
        pass
    with JobState(notes):
        pass


def test_a_process_that_was_killed_leaves_no_lock_and_its_half_written_files_go(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from ocr_documents.parts import JobState\n"
        "from ocr_documents.output import NewFile\n"
        "state = JobState(Path(sys.argv[1], 'notes')); state.__enter__()\n"
        "NewFile(Path(sys.argv[1], 'a.pdf'), state.folder).write(b'half'); NewFile(state.folder / 'parts' / 'x.json')\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=False, timeout=60)
    assert len([path for path in tmp_path.rglob("*") if path.name.endswith("-tmp")]) == 2
    with JobState(tmp_path / "notes"):
        assert not [path for path in tmp_path.rglob("*") if path.name.endswith("-tmp")]
    assert not (tmp_path / "a.pdf").exists()


def test_threads_may_note_the_same_page_at_once(parts: Parts) -> None:
    threads = [threading.Thread(target=parts.save, args=(page(1),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert parts.load(1) == page(1)


def test_where_there_can_be_no_notes_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes").write_bytes(b"")
    with pytest.raises(CannotWrite, match=r"cannot write '.*notes': "), JobState(tmp_path / "notes"):
        pass
