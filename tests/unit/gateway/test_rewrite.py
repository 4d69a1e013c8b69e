"""An answer to an edited message: part n edits part n, and people see one answer, in order."""

from msgspec.structs import replace

from posthouse.gateway.rewrite import rewrite
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import Delivery, Kind, State
from posthouse.model.disposition import NewDelivery
from posthouse.model.message import Content
from posthouse.store.journal import NewAmend, Result

NOW = 1_000.0
EDITABLE = Capabilities(can_edit=True, can_recall=True, edit_window_s=100.0)


def old(number: int, state: State = State.SENT, **changes: object) -> Delivery:
    delivery = Delivery(
        id=number,
        bot="b",
        chat=7,
        origin="turn:1",
        ordinal=number,
        part=0,
        state=state,
        first_sent_at=NOW - 50,
        platform_ids=(f"p{number}",) if state is State.SENT else (),
    )
    return replace(delivery, **changes)


def new(text: str, ordinal: int = 0) -> NewDelivery:
    return NewDelivery(
        origin="turn:2",
        ordinal=ordinal,
        part=0,
        content=Content(text),
        key=f"key {text}",
        body=text.encode(),
    )


def rewritten(
    before: tuple[Delivery, ...], *texts: str, can: Capabilities = EDITABLE
) -> tuple[dict[int, bytes], list[str], tuple[int, ...]]:
    """What is edited into what, what is sent, what is taken back."""
    answer = Result(deliveries=tuple(new(text, n) for n, text in enumerate(texts)))
    result = rewrite(answer, before, can, NOW)
    edits = {amend.delivery: amend.body for amend in result.amends}
    return edits, [d.content.text for d in result.deliveries], result.withdraw


def test_part_n_edits_part_n() -> None:
    assert rewritten((old(1), old(2)), "a", "b") == ({1: b"a", 2: b"b"}, [], ())


def test_surplus_parts_are_taken_back() -> None:
    assert rewritten((old(1), old(2), old(3)), "a") == ({1: b"a"}, [], (2, 3))


def test_missing_parts_are_sent() -> None:
    assert rewritten((old(1),), "a", "b", "c") == ({1: b"a"}, ["b", "c"], ())


def test_a_platform_that_cannot_edit_gets_everything_anew() -> None:
    can = Capabilities(can_recall=True)
    assert rewritten((old(1), old(2)), "a", "b", can=can) == ({}, ["a", "b"], (1, 2))


def test_what_is_too_old_to_edit_is_sent_anew_and_all_behind_it_too() -> None:
    before = (old(1, first_sent_at=NOW - 100), old(2))
    assert rewritten(before, "a", "b") == ({}, ["a", "b"], (1, 2))


def test_what_was_not_sent_yet_is_taken_back_and_sent_anew() -> None:
    for state in (State.QUEUED, State.SENDING, State.UNKNOWN):
        assert rewritten((old(1, state),), "a") == ({}, ["a"], (1,))


def test_what_has_no_name_on_the_platform_cannot_be_edited() -> None:
    assert rewritten((old(1, platform_ids=()),), "a") == ({}, ["a"], (1,))


def test_what_people_do_not_see_is_not_touched() -> None:
    gone = (State.DROPPED, State.FAILED, State.WITHDRAWN, State.WITHDRAWING, State.KEPT)
    before = tuple(old(n, state) for n, state in enumerate(gone, 1))
    assert rewritten((*before, old(9)), "a") == ({9: b"a"}, [], ())


def test_a_reaction_is_no_part_of_the_answer() -> None:
    assert rewritten((old(1, kind=Kind.REACT), old(2)), "a") == ({2: b"a"}, [], ())


def test_a_growing_message_and_its_final_words_are_one() -> None:
    before = (old(1, kind=Kind.DRAFT), old(2, kind=Kind.SETTLE, target=1), old(3))
    assert rewritten(before, "a", "b") == ({2: b"a", 3: b"b"}, [], ())


def test_a_growing_message_that_never_got_its_final_words_counts_alone() -> None:
    before = (old(1, kind=Kind.DRAFT), old(2, State.FAILED, kind=Kind.SETTLE, target=1))
    assert rewritten(before, "a") == ({1: b"a"}, [], ())


def test_the_edits_do_not_collide_with_those_of_the_handler() -> None:
    own = NewAmend(delivery=50, content=Content("x"), body=b"x", origin="turn:2", ordinal=0)
    answer = Result(deliveries=(new("a"), new("b")), amends=(own,), withdraw=(60,))
    result = rewrite(answer, (old(1), old(2), old(3)), EDITABLE, NOW)
    assert len({(amend.origin, amend.ordinal) for amend in result.amends}) == 3
    assert result.withdraw == (60, 3)


def test_an_answer_of_nothing_takes_the_old_one_back() -> None:
    assert rewritten((old(1), old(2))) == ({}, [], (1, 2))
