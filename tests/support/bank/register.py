#!/usr/bin/env python3
"""register.py REST FILE.properties...: creates the connectors of these files over a worker's REST API.

The first of them by POST /connectors, the others by PUT /connectors/NAME/config: the two ways a client has.
"""
import re
import sys
from pathlib import Path

from servers import rest


def properties(text):
    """Settings of a .properties file, as far as such files go here: comments, `key=value`, backslashes."""
    settings = {}
    for line in text.splitlines():
        line = line.strip()
        if line and line[0] not in "#!":
            key, value = line.split("=", 1)
            settings[key.strip()] = re.sub(r"\\(.)", r"\1", value.strip())
    return settings


def main():
    base, files = sys.argv[1], sys.argv[2:]
    for number, file in enumerate(files):
        config = properties(Path(file).read_text(encoding="latin-1"))
        name = config["name"]
        if number == 0:
            request = ("POST", "/connectors", {"name": name, "config": config})
        else:
            request = ("PUT", f"/connectors/{name}/config", config)
        method, path, body = request
        status, answer = rest(base, path, method, body)
        print(f"{method} {path} ({Path(file).name}): {status}")
        if status not in (200, 201):
            raise SystemExit(f"the worker refused {name}: {answer.get('message', answer) if answer else status}")


if __name__ == "__main__":
    main()
