"""Sample courses of our own, built into SCORM 1.2 packages.

`build_samples(folder)` writes one zip per course, the same bytes every time:

- `report-writing`: five units (SCOs) `pretest`, `lesson-1` to `lesson-3`, `posttest`.
- `first-on-scene`: one unit `course`; its pre-test and post-test are the objectives
  `pretest` and `posttest` (`cmi.objectives.n.id`), and every interaction names the
  objective that it belongs to. `cmi.core.score` is the post-test's.
- `calm-voice`: one short unit `briefing`, its score that of the check at the end.

Tests give 100 points; 80 pass. Nine questions give 10 points or none, the tenth one
point for each of ten lines: 8 right answers always pass, 7 never do, and every score
that ends in 7 right answers and a nearly right tenth can be reached, 79 among them.
A pre-test has no pass mark: its status is `completed` and the learner sees no score.

`answers(sample, unit, score=79)` says which letters to choose for each question.

What a page offers to a test (each `data-testid` stands on visible things only):

- `screen` has the attributes `data-part` and, where something is asked,
  `data-question`; its `id` is what `cmi.core.lesson_location` holds.
- the main button is `start` (first screen of a unit or test), `next`, `submit` (last
  screen of a test, before its result) or `finish` (last screen: saves, then LMSFinish);
  beside it `previous`, and `retry` after a test that was not passed.
- `choice-a`, `choice-b` … are radio buttons or check boxes. In a lesson `submit` checks
  the answer and fills `feedback`; in a test `next` goes on.
- `result` is the outcome of a test, `score` the line with the points, `message` a
  refusal, `notice` says that nothing is recorded, `done` stands after finish.
"""

from packages.samples.answers import Answer, answers
from packages.samples.build import build_sample, build_samples
from packages.samples.content import read_sample

__all__ = ["Answer", "answers", "build_sample", "build_samples", "read_sample"]
