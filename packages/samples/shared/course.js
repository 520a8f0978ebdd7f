"use strict";

// One player for every unit of the sample courses. The page holds all screens as plain
// HTML and an answer key as JSON (#unit); this script shows one screen at a time, keeps
// what the learner did in cmi.suspend_data and reports it through window.lms (scorm.js).
(function () {
  document.documentElement.classList.add("js");

  const { lms } = window;
  const LETTERS = "abcdefghijklmnopqrstuvwxyz";

  // ------------------------------------------------------------------ what is remembered

  // at: screen id; reached: furthest screen of each part; answers and times by
  // "part.question"; tests: {try, done, score} by part.
  let state = { v: 1, at: "", reached: {}, answers: {}, times: {}, tests: {} };
  let unit;
  let screens;
  let current = null;
  let shownAt = 0;
  let closed = false;

  function restore() {
    let saved;
    try {
      saved = JSON.parse(lms.get("cmi.suspend_data"));
    } catch {
      return;
    }
    if (saved && saved.v === state.v) state = saved;
    const location = lms.get("cmi.core.lesson_location");
    if (screens.has(location)) state.at = location;
  }

  function save() {
    lms.set("cmi.core.lesson_location", state.at);
    lms.set("cmi.suspend_data", JSON.stringify(state));
    lms.commit();
  }

  // ------------------------------------------------------------------------ the questions

  function key(part, question) {
    return `${part.id}.${question}`;
  }

  function test(part) {
    state.tests[part.id] ??= { try: 0, done: false, score: null };
    return state.tests[part.id];
  }

  function questionsOf(part) {
    return part.forms[test(part).try % part.forms.length];
  }

  function given(part, question) {
    return state.answers[key(part, question)] || "";
  }

  // Points of one answer. "each": one point per line rightly marked or left blank.
  function points(question, letters) {
    const asked = unit.questions[question];
    if (!asked.each) return letters === asked.right ? asked.points : 0;
    if (!letters) return 0;
    const lines = LETTERS.slice(0, asked.choices).split("");
    return lines.filter((l) => letters.includes(l) === asked.right.includes(l)).length;
  }

  function result(question, letters) {
    const got = points(question, letters);
    const asked = unit.questions[question];
    if (got === asked.points) return "correct";
    return got === 0 || !asked.each ? "wrong" : String(got / asked.points);
  }

  function addTime(part, question) {
    const name = key(part, question);
    const now = performance.now();
    state.times[name] = Math.round((state.times[name] || 0) + now - shownAt);
    shownAt = now;
  }

  function report(part, question, weighting) {
    const letters = given(part, question);
    const asked = unit.questions[question];
    const objectives = [part.id];
    if (asked.lesson && asked.lesson !== part.id) objectives.push(asked.lesson);
    lms.interaction({
      id: `${part.id}-${question}`,
      objectives,
      right: asked.right,
      weighting,
      given: letters,
      result: result(question, letters),
      milliseconds: state.times[key(part, question)] || 0,
    });
  }

  // --------------------------------------------------------------------------- the screens

  function partOf(screen) {
    return unit.parts.find((part) => part.id === screen.dataset.part);
  }

  function lessonScreens(part) {
    return [...screens.values()].filter((screen) => screen.dataset.part === part.id);
  }

  // The way through the unit as it is now: a test that was handed in shrinks to its result.
  function way() {
    return unit.parts.flatMap((part) => {
      if (part.kind === "lesson") return lessonScreens(part).map((screen) => screen.id);
      if (test(part).done) return [`${part.id}.result`];
      return [
        `${part.id}.start`,
        ...questionsOf(part).map((question) => key(part, question)),
        `${part.id}.review`,
      ];
    });
  }

  function isDone(part) {
    if (part.kind === "test") return test(part).done;
    const all = lessonScreens(part);
    return (
      state.reached[part.id] === all.length - 1 &&
      all.every(({ dataset }) => !dataset.question || given(part, dataset.question))
    );
  }

  function isReached(part) {
    return part.id in state.reached;
  }

  function updateStatus() {
    for (const part of unit.parts) {
      if (!isReached(part)) continue;
      if (part.kind === "lesson" || !test(part).done) {
        lms.objective(part.id, { status: isDone(part) ? "completed" : "incomplete" });
      } else {
        const { score } = test(part);
        lms.objective(part.id, { status: verdict(part), score });
      }
    }
    const scored = unit.parts.find((part) => part.id === unit.scored);
    if (scored && test(scored).score !== null) {
      lms.set("cmi.core.score.raw", test(scored).score);
      lms.set("cmi.core.score.min", 0);
      lms.set("cmi.core.score.max", 100);
      lms.set("cmi.core.lesson_status", verdict(scored));
    } else if (unit.parts.every(isDone)) {
      lms.set("cmi.core.lesson_status", "completed");
    } else if (!/^(completed|passed|failed)$/.test(lms.get("cmi.core.lesson_status"))) {
      lms.set("cmi.core.lesson_status", "incomplete");
    }
  }

  function verdict(part) {
    if (part.mastery === null) return "completed";
    return test(part).score >= part.mastery ? "passed" : "failed";
  }

  // ------------------------------------------------------------------------------- drawing

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes || {})) {
      made.setAttribute(attribute, value);
    }
    made.append(...children);
    return made;
  }

  function say(text) {
    document.getElementById("message").textContent = text;
  }

  function choiceText(screen, letter) {
    const input = screen.querySelector(`input[value="${letter}"]`);
    return input ? input.closest("label").querySelector(".words").textContent : "";
  }

  function markInputs(screen, part) {
    const letters = given(part, screen.dataset.question);
    for (const input of screen.querySelectorAll("input")) {
      input.checked = letters.includes(input.value);
    }
  }

  function showFeedback(screen, part) {
    const question = screen.dataset.question;
    const letters = given(part, question);
    const box = screen.querySelector(".feedback");
    if (!box) return;
    box.replaceChildren();
    box.classList.remove("right", "wrong");
    if (!letters) return;
    const right = result(question, letters) === "correct";
    box.classList.add(right ? "right" : "wrong");
    const { why } = unit.questions[question];
    box.append(
      element("strong", {}, right ? "Right. " : "Not the best choice. "),
      why[LETTERS.indexOf(letters)],
    );
    if (!right) box.append(element("span", { class: "again" }, " Choose again."));
  }

  function drawReview(screen, part) {
    const list = screen.querySelector(".answers");
    list.replaceChildren(
      ...questionsOf(part).map((question, n) => {
        const answered = given(part, question) !== "";
        const button = element(
          "button",
          { type: "button", class: "link", "data-goto": key(part, question) },
          `Question ${n + 1}`,
        );
        return element("li", {}, button, answered ? ": answered" : ": no answer yet");
      }),
    );
  }

  function drawResult(screen, part) {
    const { score } = test(part);
    if (part.mastery === null) return; // a pre-test's score is shown to nobody
    const box = screen.querySelector(".outcome");
    box.replaceChildren();
    const passed = score >= part.mastery;
    screen.querySelector("h2").textContent = passed
      ? `You passed the ${part.title.toLowerCase()}`
      : `Not yet: the ${part.title.toLowerCase()}`;
    box.append(
      element(
        "p",
        { class: `score ${passed ? "right" : "wrong"}`, "data-test": "score" },
        element("strong", {}, `${score} of 100 points. `),
        passed
          ? `You needed ${part.mastery}.`
          : `You need ${part.mastery} to pass, and you can try again.` +
            (part.forms.length > 1 ? " You will get other questions on the same topics." : ""),
      ),
      ...(passed ? [] : drawAdvice(part)),
      element("h3", {}, "Your answers"),
      element(
        "ol",
        { class: "marked" },
        ...questionsOf(part).map((question) => drawMark(part, question, passed)),
      ),
    );
  }

  function drawAdvice(part) {
    const missed = questionsOf(part)
      .filter((question) => result(question, given(part, question)) !== "correct")
      .map((question) => unit.questions[question].lesson_title);
    const titles = [...new Set(missed)].sort();
    return [
      element("h3", {}, "Look again at"),
      element("ul", {}, ...titles.map((title) => element("li", {}, title))),
    ];
  }

  function drawMark(part, question, passed) {
    const asked = unit.questions[question];
    const letters = given(part, question);
    const got = points(question, letters);
    const right = got === asked.points;
    const place = screens.get(key(part, question));
    const item = element(
      "li",
      { class: right ? "right" : "wrong" },
      element("p", { class: "asked" }, place.querySelector("legend").textContent),
      element("p", {}, element("strong", {}, `${got} of ${asked.points} points. `)),
    );
    if (!asked.each) {
      item.append(element("p", {}, `Your answer: ${choiceText(place, letters)}`));
    }
    if (right || passed) {
      if (!right && !asked.each) {
        item.append(element("p", {}, `Best answer: ${choiceText(place, asked.right)}`));
      }
      item.append(element("p", {}, asked.feedback));
    } else {
      item.append(element("p", {}, `Look again at: ${asked.lesson_title}.`));
    }
    return item;
  }

  function drawContents() {
    const list = document.getElementById("contents");
    list.replaceChildren(
      ...unit.parts.map((part) => {
        const [first] = way().filter((id) => partOf(screens.get(id)) === part);
        let done = isDone(part) ? ", done" : "";
        if (done && part.kind === "test" && verdict(part) === "failed") {
          done = ", not passed yet";
        }
        if (!isReached(part)) return element("li", {}, `${part.title} (not yet)`);
        const button = element(
          "button",
          { type: "button", class: "link", "data-goto": first },
          part.title + done,
        );
        const item = element("li", {}, button);
        if (partOf(current) === part) item.setAttribute("aria-current", "step");
        return item;
      }),
    );
  }

  // What the main button does on this screen; its label and test id say so.
  function mainAction() {
    const part = partOf(current);
    if (current.id.endsWith(".review")) return ["submit", `Submit the ${part.title.toLowerCase()}`];
    if (current.id.endsWith(".start")) return ["start", `Start the ${part.title.toLowerCase()}`];
    const ids = way();
    if (current.id === ids.at(-1)) return ["finish", "Save and finish"];
    if (current.id === ids[0]) return ["start", "Start"];
    return ["next", "Next"];
  }

  function drawButtons() {
    const [action, label] = mainAction();
    const main = document.getElementById("main-button");
    main.dataset.test = action;
    main.textContent = label;
    const ids = way();
    document.getElementById("previous").hidden = ids.indexOf(current.id) <= 0;
    document.getElementById("retry").hidden = !(
      current.id.endsWith(".result") && verdict(partOf(current)) === "failed"
    );
    drawPlace(ids);
  }

  // A test shrinks when it is handed in, so screens are counted within their part.
  function drawPlace(ids) {
    const part = partOf(current);
    const inside = ids.filter((id) => partOf(screens.get(id)) === part);
    const number = inside.indexOf(current.id) + 1;
    const count = `Screen ${number} of ${inside.length}`;
    const bar = document.getElementById("bar");
    bar.max = unit.parts.length;
    bar.value = unit.parts.indexOf(part) + number / inside.length;
    document.getElementById("place").textContent =
      unit.parts.length === 1 ? count : `${part.title}. ${count}`;
  }

  // Test ids stand on what is visible only, so that each names one thing.
  function drawTestIds() {
    for (const marked of document.querySelectorAll("[data-test]")) {
      if (marked.closest("[hidden]") || marked.closest(".screen:not(.current)")) {
        marked.removeAttribute("data-testid");
      } else {
        marked.dataset.testid = marked.dataset.test;
      }
    }
  }

  function show(id, { focus = true } = {}) {
    leaveQuestion();
    current?.classList.remove("current");
    current = screens.get(id);
    current.classList.add("current");
    state.at = id;
    const part = partOf(current);
    if (part.kind === "lesson") {
      const index = lessonScreens(part).indexOf(current);
      state.reached[part.id] = Math.max(state.reached[part.id] || 0, index);
    } else {
      state.reached[part.id] ??= 0;
    }
    shownAt = performance.now();
    say("");
    if (current.dataset.question) {
      markInputs(current, part);
      showFeedback(current, part);
    }
    if (id.endsWith(".review")) drawReview(current, part);
    if (id.endsWith(".result")) drawResult(current, part);
    const heading = current.querySelector("h2");
    drawButtons();
    drawContents();
    drawTestIds();
    document.title = `${heading.textContent} - ${unit.title}`;
    document.getElementById("outline").open = false;
    if (focus) {
      window.scrollTo(0, 0);
      heading.focus({ preventScroll: true });
    }
    updateStatus();
    save();
  }

  // ------------------------------------------------------------------------------- acting

  function leaveQuestion() {
    if (!current?.dataset.question) return;
    const part = partOf(current);
    if (part.kind === "test" && !test(part).done) addTime(part, current.dataset.question);
  }

  function chosen(screen) {
    return [...screen.querySelectorAll("input:checked")].map((input) => input.value).join("");
  }

  function checkAnswer() {
    const part = partOf(current);
    const letters = chosen(current);
    if (!letters) {
      refuse("Choose an answer first.");
      return;
    }
    const { question } = current.dataset;
    state.answers[key(part, question)] = letters;
    addTime(part, question);
    report(part, question, 0);
    say("");
    showFeedback(current, part);
    updateStatus();
    save();
    drawContents();
  }

  function refuse(text) {
    say(text);
    current.querySelector("input")?.focus();
  }

  function submitTest() {
    const part = partOf(current);
    const missing = questionsOf(part)
      .map((question, n) => (given(part, question) ? 0 : n + 1))
      .filter(Boolean);
    if (missing.length) {
      say(
        missing.length === 1
          ? `Question ${missing[0]} has no answer yet.`
          : `Questions ${missing.join(", ")} have no answer yet.`,
      );
      current.querySelectorAll(".answers button")[missing[0] - 1].focus();
      return;
    }
    const asked = questionsOf(part);
    asked.forEach((question) => report(part, question, unit.questions[question].points));
    Object.assign(test(part), {
      done: true,
      score: asked.reduce((sum, q) => sum + points(q, given(part, q)), 0),
    });
    show(`${part.id}.result`);
  }

  function retry() {
    const part = partOf(current);
    const tried = test(part);
    tried.try += 1;
    tried.done = false;
    for (const question of questionsOf(part)) {
      delete state.answers[key(part, question)];
      delete state.times[key(part, question)];
    }
    show(`${part.id}.start`);
  }

  function finish() {
    leaveQuestion();
    updateStatus();
    save();
    lms.finish();
    closed = true;
    document.getElementById("unit-body").hidden = true;
    const done = document.getElementById("done");
    done.hidden = false;
    drawTestIds();
    done.querySelector("h2").focus();
  }

  function forward() {
    const part = partOf(current);
    const [action] = mainAction();
    if (action === "submit") {
      submitTest();
      return;
    }
    const { question } = current.dataset;
    if (part.kind === "lesson" && question && !given(part, question)) {
      refuse("Answer the question and check your answer, then go on.");
      return;
    }
    if (action === "finish") {
      finish();
      return;
    }
    const ids = way();
    show(ids[ids.indexOf(current.id) + 1]);
  }

  function backward() {
    const ids = way();
    show(ids[ids.indexOf(current.id) - 1]);
  }

  function listen() {
    document.getElementById("main-button").addEventListener("click", (event) => {
      // the second half of a double click was meant for the screen before
      if (event.detail < 2) forward();
    });
    document.getElementById("previous").addEventListener("click", backward);
    document.getElementById("retry").addEventListener("click", retry);
    document.addEventListener("submit", (event) => {
      event.preventDefault();
      if (partOf(current).kind === "lesson") checkAnswer();
      else forward();
    });
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-goto]");
      if (button) show(button.dataset.goto);
    });
    document.addEventListener("change", (event) => {
      const part = partOf(current);
      if (part.kind !== "test" || !event.target.closest(".current")) return;
      state.answers[key(part, current.dataset.question)] = chosen(current);
      addTime(part, current.dataset.question);
      save();
    });
    // The tab may be gone without another word: everything is handed over here.
    window.addEventListener("pagehide", () => {
      if (closed) return;
      leaveQuestion();
      save();
      lms.finish();
      closed = true;
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden" && !closed) save();
    });
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) window.location.reload();
    });
  }

  function begin() {
    unit = JSON.parse(document.getElementById("unit").textContent);
    screens = new Map(
      [...document.querySelectorAll(".screen")].map((screen) => [screen.id, screen]),
    );
    const connected = lms.initialize();
    const notice = document.getElementById("notice");
    if (!connected) {
      notice.textContent = "Practice view: this page found no training portal. Nothing is saved.";
      notice.hidden = false;
    } else if (!lms.tracks) {
      notice.textContent = "You are looking at this unit without being recorded.";
      notice.hidden = false;
    }
    lms.trouble = (what, code) => {
      notice.textContent = `The portal did not accept an entry (${what} ${code}).`;
      notice.hidden = false;
    };
    restore();
    document.getElementById("outline").hidden = unit.parts.length === 1;
    lms.set("cmi.core.exit", "suspend");
    listen();
    const ids = way();
    show(ids.includes(state.at) ? state.at : ids[0], { focus: false });
  }

  document.addEventListener("DOMContentLoaded", begin);
})();
