"""Files out of wheels and archives."""

import lzma
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path

from ocr_convert.errors import SourceError
from ocr_convert.sources.model_sets import SourceFile


def extract(packed: Path, file: SourceFile, target: Path) -> None:
    """Copy one member of a .whl, .zip or .tar into `target`.

    Raises:
        SourceError: it cannot be read, or has no such member.
        OSError: the copy cannot be written.
    """
    try:
        if zipfile.is_zipfile(packed):
            with zipfile.ZipFile(packed) as archive, archive.open(file.at) as member, target.open("wb") as copy:
                shutil.copyfileobj(member, copy)
            return
        with tarfile.open(packed) as tar:
            extracted = tar.extractfile(file.at)
            if extracted is None:
                raise SourceError(f"{file.at} in {packed.name} is not a file")
            with extracted, target.open("wb") as copy:
                shutil.copyfileobj(extracted, copy)
    except KeyError as error:
        raise SourceError(f"{packed.name} has no {file.at}") from error
    except OSError as error:
        if error.errno is not None:  # else gzip's, for bytes that it cannot read
            raise
        raise SourceError(f"{packed.name} cannot be unpacked: {error}") from error
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError) as error:
        raise SourceError(f"{packed.name} cannot be unpacked: {error}") from error
