"""The audit of the lock files, against a database on this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.audit.audit import KNOWN_TO_HAVE_FLAWS, ROOT, Accepted, Package, locked, main

LOCK = """\
pillow==12.0.0 ; python_full_version < '3.13' \\
    --hash=sha256:00
Some_Package[extra]==1.0 ; python_version < '3.11' \\
    --hash=sha256:01
some-package==2.0 ; python_version >= '3.11' \\
    --hash=sha256:02
    # via pillow==1.0
"""
OLD_PILLOW = {(KNOWN_TO_HAVE_FLAWS.name, KNOWN_TO_HAVE_FLAWS.version): [{"id": "PYSEC-1", "aliases": ["CVE-1"]}]}
FLAW = {"id": "GHSA-2", "aliases": ["CVE-2"], "summary": "it writes where it must not"}
OF_THE_OLDER = {("some-package", "1.0"): [FLAW]}


class Handler(BaseHTTPRequestHandler):
    """Answers as OSV does, one flaw a page."""

    def do_POST(self):
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        package = (query["package"]["name"], query["version"])
        self.server.asked.add(package)
        flaws, page = self.server.flaws.get(package, []), int(query.get("page_token", 0))
        answer = {"vulns": flaws[page : page + 1]} if flaws else {}
        if page + 1 < len(flaws):
            answer["next_page_token"] = str(page + 1)
        body = self.server.body or json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


@pytest.fixture
def database():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.flaws, server.status, server.body = set(), {}, 200, None
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def run(database, tmp_path, capsys):
    """Audit LOCK; returns the exit code and what was said."""

    def run(flaws, accepted="flaws: []\ncarried: []\n", *arguments):
        database.flaws = flaws
        (tmp_path / "lock").write_text(LOCK)
        (tmp_path / "accepted.yaml").write_text(accepted)
        address = f"http://127.0.0.1:{database.server_address[1]}/"
        lists = ["--accepted", str(tmp_path / "accepted.yaml"), "--database", address]
        code = main([str(tmp_path / "lock"), *lists, *arguments])
        return code, "".join(capsys.readouterr())

    return run


def test_every_locked_version_is_asked_for_those_for_other_pythons_too(run, database):
    code, said = run(OLD_PILLOW)
    assert code == 0
    assert "3 versions asked for, 0 flaws known, 0 to be dealt with" in said
    assert database.asked - set(OLD_PILLOW) == {("pillow", "12.0.0"), ("some-package", "1.0"), ("some-package", "2.0")}


def test_a_flaw_fails_the_audit(run):
    code, said = run({**OLD_PILLOW, **OF_THE_OLDER})
    assert code == 1
    assert "some-package 1.0: CVE-2, GHSA-2: it writes where it must not: NOT ACCEPTED" in said


def test_flaws_on_a_second_page_count(run):
    code, said = run({**OLD_PILLOW, ("some-package", "2.0"): [FLAW, {"id": "GHSA-3"}]})
    assert code == 1
    assert "GHSA-3" in said


def test_a_flaw_that_was_withdrawn_is_none(run):
    code, _ = run({**OLD_PILLOW, ("some-package", "2.0"): [{**FLAW, "withdrawn": "2024-01-01T00:00:00Z"}]})
    assert code == 0


@pytest.mark.parametrize("name", ["CVE-2", "GHSA-2"])
def test_a_flaw_is_accepted_by_any_of_its_names_with_a_reason(run, name):
    accepted = f"flaws: [{{package: some-package, ids: [{name}], reason: not used}}]\ncarried: []\n"
    code, said = run({**OLD_PILLOW, **OF_THE_OLDER}, accepted)
    assert code == 0
    assert "accepted: not used" in said
    code, said = run({**OLD_PILLOW, ("pillow", "12.0.0"): [FLAW]}, accepted)
    assert code == 1, "it is accepted for its package alone"
    assert f"{name} is not known for some-package as it is locked" in said


def test_flaws_of_what_a_package_carries_are_said_and_go_with_its_version(run):
    accepted = (
        "flaws: []\n"
        "carried: [{package: some-package, version: '2.0', carries: a server, ids: [CVE-3], reason: no other}]\n"
    )
    code, said = run(OLD_PILLOW, accepted)
    assert code == 0
    assert "some-package 2.0: CVE-3: a server: accepted: no other" in said
    code, said = run(OLD_PILLOW, accepted.replace("2.0", "3.0"))
    assert code == 1
    assert "some-package 3.0 is in no lock file" in said


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"status": 503}, "503 Server Error"),
        ({"body": b"<html>a proxy's own page"}, "does not answer"),
        ({"body": b"[]"}, "does not answer"),
        ({}, "knows of no flaw of pillow 9.0.0, which has many"),
    ],
)
def test_a_database_that_cannot_be_asked_is_not_one_that_found_nothing(run, database, how, said):
    vars(database).update(how)
    code, output = run({})
    assert code == 2
    assert "audit: NOT DONE, so nothing is known of the 3 locked versions" in output
    assert said in output
    code, output = run({}, "flaws: []\ncarried: []\n", "--where-reachable")
    assert code == 0
    assert "NOT DONE" in output


def test_the_list_of_this_repository_is_of_what_is_locked():
    packages = locked(ROOT.glob("requirements-*.lock"))
    assert Package("nvidia-pytriton", "0.7.0") in packages
    accepted = Accepted.read(ROOT / "tests" / "audit" / "accepted.yaml")
    assert list(accepted.gone(packages)) == []
    for entry in (*accepted.flaws, *accepted.carried):
        assert entry["package"] in {package.name for package in packages}
        assert entry["ids"]
        assert entry["reason"]


def test_security_names_what_the_server_carries():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for entry in Accepted.read(ROOT / "tests" / "audit" / "accepted.yaml").carried:
        assert all(name in text for name in entry["ids"])
