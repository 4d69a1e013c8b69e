"""What is installed is what is written: templates, pages, SQL and all."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.architecture.tree import ROOT, SOURCE, project_files


def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT],
        check=True,
        capture_output=True,
        env=os.environ | {"PYTHONWARNINGS": ""},
    )
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("posthouse/")}
    written = {
        path.relative_to(SOURCE.parent).as_posix()
        for path in project_files()
        if path.is_relative_to(SOURCE)
    }
    assert written - packed == set()
    pages = {
        f"posthouse/documentation/{path.relative_to(ROOT).as_posix()}"
        for path in project_files()
        if path.suffix == ".md" and path.is_relative_to(ROOT / "docs")
    }
    assert pages - packed == set()  # the assistant answers from them
    assert "posthouse/documentation/README.zh-CN.md" in packed
