"use strict";

// The connection to the portal: SCORM 1.2, Run-Time Environment 3.3 and 3.4.
(function () {
  function apiIn(start) {
    let here = start;
    for (let steps = 0; here && steps < 500; steps += 1) {
      try {
        if (here.API) return here.API;
      } catch {
        return null; // a window of another origin: nothing beyond it can be ours
      }
      if (here.parent === here) return null;
      here = here.parent;
    }
    return null;
  }

  function findApi() {
    const found = apiIn(window);
    if (found) return found;
    return window.opener && !window.opener.closed ? apiIn(window.opener) : null;
  }

  function two(number) {
    return String(number).padStart(2, "0");
  }

  // CMITimespan, HHHH:MM:SS.SS
  function timespan(milliseconds) {
    const hundredths = Math.max(0, Math.round(milliseconds / 10));
    const seconds = Math.floor(hundredths / 100);
    const hours = Math.min(9999, Math.floor(seconds / 3600));
    return (
      String(hours).padStart(4, "0") +
      ":" + two(Math.floor(seconds / 60) % 60) +
      ":" + two(seconds % 60) +
      "." + two(hundredths % 100)
    );
  }

  // CMITime, HH:MM:SS by the learner's clock
  function clockTime() {
    const now = new Date();
    return [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(":");
  }

  window.lms = {
    api: null,
    open: false,
    tracks: false,
    started: performance.now(),
    written: new Map(),
    objectives: new Map(),
    trouble: () => {},

    initialize() {
      this.api = findApi();
      if (!this.api) return false;
      this.open = String(this.api.LMSInitialize("")) === "true";
      if (!this.open) return false;
      const mode = this.get("cmi.core.lesson_mode");
      this.tracks = mode !== "browse" && mode !== "review";
      const count = Number(this.get("cmi.objectives._count")) || 0;
      for (let n = 0; n < count; n += 1) {
        this.objectives.set(this.get(`cmi.objectives.${n}.id`), n);
      }
      return true;
    },

    get(element) {
      return this.open ? String(this.api.LMSGetValue(element)) : "";
    },

    set(element, value) {
      const text = String(value);
      if (!this.open || !this.tracks || this.written.get(element) === text) return;
      if (String(this.api.LMSSetValue(element, text)) === "true") {
        this.written.set(element, text);
      } else {
        this.trouble(element, String(this.api.LMSGetLastError()));
      }
    },

    commit() {
      if (!this.open) return;
      this.set("cmi.core.session_time", timespan(performance.now() - this.started));
      if (String(this.api.LMSCommit("")) !== "true") this.trouble("LMSCommit", "");
    },

    finish() {
      if (!this.open) return;
      this.commit();
      this.api.LMSFinish("");
      this.open = false;
    },

    objective(id, { status, score }) {
      if (!this.open || !this.tracks) return;
      if (!this.objectives.has(id)) this.objectives.set(id, this.objectives.size);
      const name = `cmi.objectives.${this.objectives.get(id)}`;
      this.set(`${name}.id`, id);
      if (score !== undefined) {
        this.set(`${name}.score.raw`, score);
        this.set(`${name}.score.min`, 0);
        this.set(`${name}.score.max`, 100);
      }
      this.set(`${name}.status`, status);
    },

    // The list only grows: a second answer to the same question is a second entry.
    interaction(entry) {
      if (!this.open || !this.tracks) return;
      const name = `cmi.interactions.${Number(this.get("cmi.interactions._count")) || 0}`;
      this.set(`${name}.id`, entry.id);
      entry.objectives.forEach((id, n) => this.set(`${name}.objectives.${n}.id`, id));
      this.set(`${name}.time`, clockTime());
      this.set(`${name}.type`, "choice");
      this.set(`${name}.correct_responses.0.pattern`, entry.right.split("").join(","));
      this.set(`${name}.weighting`, entry.weighting);
      this.set(`${name}.student_response`, entry.given.split("").join(","));
      this.set(`${name}.result`, entry.result);
      this.set(`${name}.latency`, timespan(entry.milliseconds));
    },
  };
})();
