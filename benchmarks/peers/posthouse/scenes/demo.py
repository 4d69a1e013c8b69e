"""The scene of the benchmark."""


def cmd_echo(words: str) -> str:
    """Say it again."""
    return words
