"""`make audit`: does a database of known flaws name a package of the lock files? It asks OSV, and needs the internet.

Every version that a lock file names is asked for, those for other versions of Python too. What was weighed and is
taken as it is stands in accepted.yaml. The exit code is 0 where nothing else is known, 1 where something is, and 2
where nobody could be asked. With --where-reachable the last is 0 too, and said all the same.

A database that is reached but knows nothing, as behind some proxies, must not pass for one that has found nothing. So
it is first asked for flaws that every one knows.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

ROOT = Path(__file__).resolve().parents[2]
OSV = "https://api.osv.dev/v1/query"
TIMEOUT_S = 20
CONNECTIONS = 8
PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)


class NotAsked(Exception):
    """The database could not be asked, or does not know what it must know."""


@dataclass(frozen=True, order=True)
class Package:
    """One version of a package."""

    name: str
    version: str


KNOWN_TO_HAVE_FLAWS = Package("pillow", "9.0.0")


@dataclass(frozen=True)
class Flaw:
    """What the database knows of a package; `ids` are all names that it has."""

    package: Package
    ids: frozenset[str]
    summary: str


def locked(files: Iterable[Path]) -> list[Package]:
    """Every version that lock files name."""
    found = {
        Package(re.sub(r"[-_.]+", "-", name).lower(), version)
        for file in files
        for name, version in PINNED.findall(file.read_text(encoding="utf-8"))
    }
    return sorted(found)


class Database:
    """OSV's HTTP API."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._session = requests.Session()

    def check(self) -> None:
        """See that it can be asked. Raises NotAsked."""
        if not self.flaws(KNOWN_TO_HAVE_FLAWS):
            known = f"{KNOWN_TO_HAVE_FLAWS.name} {KNOWN_TO_HAVE_FLAWS.version}"
            raise NotAsked(f"{self.address} knows of no flaw of {known}, which has many: it is no database of flaws")

    def flaws(self, package: Package) -> list[Flaw]:
        """What it knows of a package. Raises NotAsked."""
        return [
            Flaw(package, frozenset([entry["id"], *entry.get("aliases", ())]), entry.get("summary") or "")
            for entry in self._entries(package)
            if "withdrawn" not in entry
        ]

    def _entries(self, package: Package) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {
            "package": {"name": package.name, "ecosystem": "PyPI"},
            "version": package.version,
        }
        while True:
            try:
                answer = self._session.post(self.address, json=query, timeout=TIMEOUT_S)
                answer.raise_for_status()
                page = answer.json()
                yield from page.get("vulns", ())
            except (requests.RequestException, ValueError, AttributeError) as error:
                raise NotAsked(f"{self.address} does not answer: {error}") from error
            if not page.get("next_page_token"):
                return
            query["page_token"] = page["next_page_token"]


@dataclass(frozen=True)
class Accepted:
    """accepted.yaml."""

    flaws: Sequence[dict[str, Any]]  # that the database names
    carried: Sequence[dict[str, Any]]  # of other software within a package, which it does not know

    @staticmethod
    def read(path: Path) -> "Accepted":
        """Read the list."""
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Accepted(document["flaws"] or (), document["carried"] or ())

    def reason(self, flaw: Flaw) -> str | None:
        """Why a flaw is taken as it is; None where it is not."""
        for entry in self.flaws:
            if entry["package"] == flaw.package.name and not flaw.ids.isdisjoint(entry["ids"]):
                return str(entry["reason"])
        return None

    def gone(self, packages: Sequence[Package]) -> Iterator[str]:
        """What is said of software within a package that is not locked any more."""
        for entry in self.carried:
            if Package(entry["package"], str(entry["version"])) not in packages:
                yield f"{entry['package']} {entry['version']} is in no lock file: say what is true of the one that is"

    def unknown(self, flaws: Sequence[Flaw]) -> Iterator[str]:
        """What stands in the list in vain."""
        for entry in self.flaws:
            for name in entry["ids"]:
                if not any(flaw.package.name == entry["package"] and name in flaw.ids for flaw in flaws):
                    yield f"{name} is not known for {entry['package']} as it is locked: it can be taken off the list"


def audit(packages: Sequence[Package], accepted: Accepted, database: Database) -> int:
    """Ask for every package, print what was found, and return how much of it is not accepted. Raises NotAsked."""
    database.check()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        flaws = [flaw for found in pool.map(database.flaws, packages) for flaw in found]
    bad = 0
    for flaw in flaws:
        reason = accepted.reason(flaw)
        bad += reason is None
        verdict = "NOT ACCEPTED" if reason is None else f"accepted: {reason}"
        print(f"{flaw.package.name} {flaw.package.version}: {', '.join(sorted(flaw.ids))}: {flaw.summary}: {verdict}")
    for entry in accepted.carried:
        ids = ", ".join(entry["ids"])
        print(f"{entry['package']} {entry['version']}: {ids}: {entry['carries']}: accepted: {entry['reason']}")
    for sentence in accepted.unknown(flaws):
        print(f"accepted.yaml: {sentence}")
    for sentence in accepted.gone(packages):
        bad += 1
        print(f"accepted.yaml: {sentence}")
    print(f"audit: {len(packages)} versions asked for, {len(flaws)} flaws known, {bad} to be dealt with")
    return bad


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("locks", nargs="*", type=Path, help="lock files; by default those of this repository")
    parser.add_argument("--where-reachable", action="store_true", help="exit code 0 where nobody can be asked")
    parser.add_argument("--database", default=OSV, help="address of OSV's query API")
    parser.add_argument("--accepted", type=Path, default=Path(__file__).with_name("accepted.yaml"))
    given = parser.parse_args(arguments)
    packages = locked(given.locks or sorted(ROOT.glob("requirements-*.lock")))
    try:
        return int(audit(packages, Accepted.read(given.accepted), Database(given.database)) > 0)
    except NotAsked as error:
        print(f"audit: NOT DONE, so nothing is known of the {len(packages)} locked versions: {error}", file=sys.stderr)
        return 0 if given.where_reachable else 2


if __name__ == "__main__":
    sys.exit(main())
