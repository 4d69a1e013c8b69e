"""Charts are safe, whatever they are given."""

from xml.etree import ElementTree as ET

from posthouse.console.charts import bars, lines


def test_bars_are_as_high_as_their_values() -> None:
    chart = ET.fromstring(bars([0, 5, 10], ["a 0", "b 5", "c 10"], "n"))  # noqa: S314 - our own
    heights = [
        float(bar.attrib["height"]) for bar in chart.iter() if "bar " in bar.get("class", "")
    ]
    assert heights == [1.0, 42.0, 84.0]
    assert [title.text for title in chart.iter("title")] == ["a 0", "b 5", "c 10"]


def test_a_line_has_gaps_where_nothing_is_known() -> None:
    chart = ET.fromstring(lines([1, None, 2, 3], [1, None, 4, 4], list("abcd"), "n"))  # noqa: S314
    assert len([each for each in chart.iter() if each.get("class") == "line"]) == 2
    assert len([each for each in chart.iter() if each.get("class") == "dot"]) == 1


def test_nothing_is_drawn_of_nothing() -> None:
    for chart in (bars([], [], "n"), lines([], [], [], "n")):
        assert ET.fromstring(chart).tag == "svg"  # noqa: S314 - our own


def test_words_stay_words() -> None:
    chart = bars([1], ['<script>"&'], '"><script>')
    assert "<script>" not in chart
