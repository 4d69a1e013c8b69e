"""Which of the house's own pages it answers from."""

from pathlib import Path

from posthouse.knowledge.sources.built_in import LEFT_OUT, BuiltIn

ROOT = Path(__file__).parents[3]


async def test_pages_for_who_changes_the_house_are_left_out() -> None:
    names = {item.path for item in await BuiltIn(ROOT).items()}
    assert {"README.md", "docs/how-to/questions.md", "docs/guarantees.md"} <= names
    assert not [name for name in names if name.startswith(LEFT_OUT)]


def test_what_is_left_out_exists() -> None:
    assert all((ROOT / name).exists() for name in LEFT_OUT)
