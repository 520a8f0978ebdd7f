from __future__ import annotations

import pytest

from tests.bench import report, speed


@pytest.fixture
def page(monkeypatch, tmp_path):
    path = tmp_path / "performance.md"
    monkeypatch.setattr(report, "PAGE", path)
    return path


def test_the_page_names_what_does_not_hold(page, capsys):
    made = report.Report("Rounds of 3 seconds.")
    table = made.table("Beside PostgreSQL", "Words.", "", "ratio", "target")
    table.add("POST", "0.30", "0.20", holds=True)
    table.add("GET", "0.10", "0.45", holds=False)
    table.add("mixed", "0.50", "")
    made.write()
    text = page.read_text()
    assert made.missed() == ["Beside PostgreSQL: GET"]
    assert "Not held: Beside PostgreSQL: GET." in text
    assert "| POST | 0.30 | 0.20 | yes |" in text
    assert "| GET | 0.10 | 0.45 | **no** |" in text
    assert "| mixed | 0.50 |  |  |" in text
    assert "GET  0.10" in capsys.readouterr().out


def test_a_table_without_targets_has_no_verdicts(page):
    made = report.Report("")
    made.table("Every filter", "Words.", "filter", "ms").add("verb", "0.20")
    made.write()
    assert "| filter | ms |\n| --- | --- |\n| verb | 0.20 |" in page.read_text()
    assert "Every figure that has a target holds." in page.read_text()


def test_a_ratio_is_that_of_the_medians():
    figure = speed.Figure("post-1")
    for ours, theirs in ((10, 100), (20, 50), (30, 100)):
        figure.ours.append(speed.Rate(ours, cpu_us=400))
        figure.theirs.append(speed.Rate(theirs, cpu_us=100))
    assert figure.ratio == pytest.approx(0.2)
    assert figure.spread == pytest.approx((0.1, 0.4))
