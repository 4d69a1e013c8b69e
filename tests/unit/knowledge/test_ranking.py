"""What puts one passage before another when all else is equal."""

from msgspec.structs import replace

from posthouse.knowledge.ranking import Candidate, heaviest, opens, ranked, weight

PLAIN = Candidate(id=1, document=1, is_same_script=True, bigram=5.0, trigram=5.0)


def first(*candidates: Candidate) -> int:
    return ranked(candidates)[0].candidate.id


def test_words_and_triples_count() -> None:
    assert first(PLAIN, replace(PLAIN, id=2, document=2, bigram=9.0)) == 2
    assert first(PLAIN, replace(PLAIN, id=2, document=2, trigram=9.0)) == 2


def test_a_chinese_question_wants_a_chinese_document() -> None:
    assert first(replace(PLAIN, is_same_script=False), replace(PLAIN, id=2, document=2)) == 2


def test_a_section_that_begins_with_it_is_about_it() -> None:
    assert first(PLAIN, replace(PLAIN, id=2, document=2, opening=1.0)) == 2


def test_other_passages_of_a_document_speak_for_it() -> None:
    alone = replace(PLAIN, id=2, document=2)
    assert first(alone, PLAIN, replace(PLAIN, id=3, bigram=4.0, trigram=0.0)) == 1


def test_what_says_the_same_in_other_words_counts() -> None:
    near = replace(PLAIN, id=2, document=2, cosine=0.8)
    far = replace(PLAIN, id=3, document=3, cosine=0.3)
    assert first(PLAIN, far, near) == 2


def test_what_no_model_has_seen_yet_gives_way_to_the_near_and_not_to_the_far() -> None:
    unseen = replace(PLAIN, id=2, document=2)
    near = replace(PLAIN, id=3, document=3, cosine=0.8)
    far = replace(PLAIN, id=4, document=4, cosine=0.3)
    assert [one.candidate.id for one in ranked([far, unseen, near])] == [3, 2, 4]


def test_a_model_that_has_seen_one_passage_alone_changes_no_order() -> None:
    better = replace(PLAIN, id=2, document=2, bigram=5.5)
    assert first(replace(PLAIN, cosine=0.9), better) == 2


def test_shares_fall_from_one() -> None:
    several = ranked([replace(PLAIN, id=n, document=n, bigram=float(n)) for n in range(1, 9)])
    shares = [one.share for one in several]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1.0
    assert shares[-1] > 0.0
    assert ranked([]) == []


def test_equals_stay_in_the_order_of_their_documents() -> None:
    several = [replace(PLAIN, id=n, document=n) for n in (3, 1, 2)]
    assert [one.candidate.id for one in ranked(several)] == [1, 2, 3]


def test_a_rare_word_tells_more_than_a_common_one_and_none_tells_less_than_nothing() -> None:
    assert weight(0, 10) > weight(1, 10) > weight(9, 10) > weight(10, 10) > 0.0


def test_the_beginning_of_an_opening_counts_whole_and_the_rest_in_part() -> None:
    shares = heaviest({"撤回": 3.0, "消息": 1.0})
    assert opens("撤回消息", shares) == 1.0
    assert opens("撤回" + "。" * 100 + "消息", shares) < 1.0
    assert 0.0 < opens("。" * 100 + "撤回消息", shares) < opens("撤回", shares)
    assert opens("", shares) == opens("别的", {}) == 0.0
