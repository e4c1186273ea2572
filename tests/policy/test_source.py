"""Which commit is checked out, as git's own files tell it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from policy import source

TIP = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / ".git"
    (folder / "refs" / "heads").mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    with override_settings(BASE_DIR=tmp_path):
        source.commit.cache_clear()
        yield folder
    source.commit.cache_clear()


def test_a_branch_has_a_file_of_its_own(repository):
    (repository / "refs" / "heads" / "main").write_text(f"{TIP}\n")
    assert source.commit() == TIP


def test_or_a_line_among_the_packed(repository):
    other = TIP[::-1]
    (repository / "packed-refs").write_text(
        f"# pack-refs with: peeled\n{other} refs/heads/other-main\n{TIP} refs/heads/main\n"
    )
    assert source.commit() == TIP


def test_a_commit_may_be_checked_out_without_a_branch(repository):
    (repository / "HEAD").write_text(f"{TIP}\n")
    assert source.commit() == TIP


def test_without_a_repository_there_is_none(repository):
    (repository / "HEAD").unlink()
    assert source.commit() == ""
