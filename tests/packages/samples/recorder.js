// A SCORM 1.2 run-time that refuses what the book refuses (RTE 3.4) and keeps all calls.
(function () {
  const identifier = /^[\w.-]{1,255}$/;
  const decimal = /^-?\d{1,5}(\.\d+)?$/;
  const percent = { test: (text) => decimal.test(text) && text >= 0 && text <= 100 };
  const span = /^\d{2,4}:\d\d:\d\d(\.\d{1,2})?$/;
  const letters = /^[a-z](,[a-z])*$/;
  const text = (longest) => ({ test: (value) => value.length <= longest });
  const WRITABLE = [
    [/^cmi\.core\.lesson_location$/, text(255)],
    [/^cmi\.core\.lesson_status$/, /^(passed|completed|failed|incomplete|browsed)$/],
    [/^cmi\.core\.score\.(raw|min|max)$/, percent],
    [/^cmi\.core\.exit$/, /^(time-out|suspend|logout|)$/],
    [/^cmi\.core\.session_time$/, span],
    [/^cmi\.suspend_data$/, text(4096)],
    [/^cmi\.objectives\.\d+\.id$/, identifier],
    [/^cmi\.objectives\.\d+\.score\.(raw|min|max)$/, percent],
    [/^cmi\.objectives\.\d+\.status$/, /^(passed|completed|failed|incomplete|browsed)$/],
    [/^cmi\.interactions\.\d+\.(id|objectives\.\d+\.id)$/, identifier],
    [/^cmi\.interactions\.\d+\.time$/, /^\d\d:\d\d:\d\d(\.\d{1,2})?$/],
    [/^cmi\.interactions\.\d+\.type$/, /^choice$/],
    [/^cmi\.interactions\.\d+\.(correct_responses\.\d+\.pattern|student_response)$/, letters],
    [/^cmi\.interactions\.\d+\.weighting$/, decimal],
    [/^cmi\.interactions\.\d+\.result$/, /^(correct|wrong|unanticipated|neutral|\d(\.\d+)?)$/],
    [/^cmi\.interactions\.\d+\.latency$/, span],
  ];
  const READABLE = [
    /^cmi\.core\.(lesson_(location|status|mode)|entry|score\.raw)$/,
    /^cmi\.(suspend_data|objectives\._count|interactions\._count)$/,
    /^cmi\.objectives\.\d+\.id$/,
  ];

  window.calls = [];
  window.refusals = [];
  window.values = JSON.parse(document.getElementById("values").textContent);
  let open = false;
  let over = false;

  function count(list) {
    const start = `${list}.`;
    const names = Object.keys(window.values).filter((name) => name.startsWith(start));
    return new Set(names.map((name) => name.slice(start.length).split(".")[0])).size;
  }

  function refuse(...what) {
    window.refusals.push(what);
    return "false";
  }

  function inOrder(name) {
    const [, list, index] = /^cmi\.(objectives|interactions)\.(\d+)\./.exec(name) || [];
    return !list || Number(index) <= count(`cmi.${list}`);
  }

  window.API = {
    LMSInitialize(argument) {
      window.calls.push(["LMSInitialize", argument]);
      if (open || over || argument !== "") return refuse("LMSInitialize");
      open = true;
      return "true";
    },
    LMSGetValue(name) {
      if (!open || !READABLE.some((known) => known.test(name))) {
        refuse("LMSGetValue", name);
        return "";
      }
      if (name.endsWith("._count")) return String(count(name.replace("._count", "")));
      return window.values[name] ?? "";
    },
    LMSSetValue(name, value) {
      window.calls.push([name, value]);
      const row = WRITABLE.find(([known]) => known.test(name));
      if (!open || !row || typeof value !== "string" || !row[1].test(value)) {
        return refuse("LMSSetValue", name, value);
      }
      if (!inOrder(name)) return refuse("LMSSetValue", name, "out of order");
      window.values[name] = value;
      return "true";
    },
    LMSCommit() {
      window.calls.push(["LMSCommit", ""]);
      return open ? "true" : refuse("LMSCommit");
    },
    LMSFinish() {
      window.calls.push(["LMSFinish", ""]);
      if (!open) return refuse("LMSFinish");
      open = false;
      over = true;
      return "true";
    },
    LMSGetLastError: () => "0",
    LMSGetErrorString: () => "",
    LMSGetDiagnostic: () => "",
  };
})();
