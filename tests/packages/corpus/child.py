"""Answers for a folder of packages in a child with little memory; see `test_corpus`.

Prints one line of JSON: per package what was said and what it took, and every file,
process or connection that was opened for more than reading.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

MEMORY = 512 << 20
OPEN = Path("/proc/self/fd")
_CONNECTS = {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"}
_STARTS = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork"}
_CHANGES = {
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.symlink",
    "os.link",
    "os.truncate",
}


def main(folder: Path) -> None:
    from packages.check import check_package, verified

    acts: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and set(str(arguments[1] or "r")) & set("wax+")
        if writes or event in _CONNECTS | _STARTS | _CHANGES:
            acts.append(f"{event} {arguments[:2]}")

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.addaudithook(watch)
    answers: dict[str, Any] = {}
    open_before = len(list(OPEN.iterdir()))
    for path in sorted(folder.iterdir()):
        began = time.process_time()
        with path.open("rb") as file:
            checked = verified(check_package(file, filename=path.name))
        manifest = checked.manifest
        kept = json.dumps(manifest.to_json())
        answers[path.stem] = {
            "importable": manifest.is_importable,
            "findings": [(one.severity, one.code) for one in manifest.findings],
            "units": len(manifest.units),
            "standard": manifest.standard,
            "kept": len(kept),
            "seconds": time.process_time() - began,
        }
    left = len(list(OPEN.iterdir())) - open_before
    answers["*"] = {
        "acts": acts,
        "left": left,
        "written": [one.name for one in Path().iterdir()],
    }
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
