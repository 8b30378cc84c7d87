#!/usr/bin/env python3
"""A real Prometheus must understand our metrics, and each query of the rules and the dashboard.

    metrics.py SERVE_EXAMPLE

SERVE_EXAMPLE is the built `serve`. Starts it on a free port, lets promtool judge what it answers and
the files of examples/fleet, and lets Prometheus scrape it. Then every query of these files must have
an answer, and the values in Prometheus must lie between what the endpoint said before and after.
Exits with 1 at the first promise that is broken.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

example = os.path.abspath(sys.argv[1])
fleet = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples", "fleet")
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
PATIENCE_SECONDS = 120


def get(url, accept="*/*"):
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def samples(address):
    """The endpoint's samples now, as Prometheus would write their names."""
    text = get(f"http://{address}/debug/pprof/metrics", OPEN_METRICS)
    assert text.endswith("# EOF\n"), text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def promtool(*arguments, text=None):
    run = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"promtool {' '.join(arguments)}: {run.returncode}\n{run.stdout}{run.stderr}\n{text or ''}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(what, question):
    """The first answer that is not empty."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            if answer := question():
                return answer
        except OSError:
            pass  # It has not started to listen.
        time.sleep(0.2)
    sys.exit(f"{what}: nothing within {PATIENCE_SECONDS} s")


def queries():
    """Those of the rules without their bounds, and those of the dashboard."""
    with open(os.path.join(fleet, "rules.yml")) as file:
        rules = re.findall(r"expr: (?:>-\n)?((?:.|\n)*?) > [0-9.]+\n", file.read())
    with open(os.path.join(fleet, "dashboard.json")) as file:
        panels = json.load(file)["panels"]
    found = [" ".join(rule.split()) for rule in rules]
    assert len(found) == 3, found
    for panel in panels:
        for target in panel["targets"]:
            found.append(target["expr"].replace("$job", "contend").replace("$instance", ".*"))
    windows = (("$__rate_interval", "10s"), ("[5m]", "[10s]"), ("[10m]", "[10s]"))
    for window, short in windows:
        found = [query.replace(window, short) for query in found]
    return found


served = subprocess.Popen([example, "--port", "0"], stdout=subprocess.PIPE, text=True)
folder = tempfile.mkdtemp(prefix="contend-metrics-")
prometheus = None
try:
    address = re.search(r"http://([^/]+)/debug/pprof/", served.stdout.readline())[1]
    until("waits", lambda: any(name.startswith("contend_waits_total") for name in samples(address)))
    promtool("check", "metrics", text=get(f"http://{address}/debug/pprof/metrics"))
    promtool("check", "rules", os.path.join(fleet, "rules.yml"))
    promtool("check", "config", os.path.join(fleet, "prometheus.yml"))

    with open(os.path.join(fleet, "prometheus.yml")) as file:
        config = file.read()
    assert "127.0.0.1:6060" in config
    config = config.replace("127.0.0.1:6060", address).replace("15s", "1s")
    with open(os.path.join(folder, "prometheus.yml"), "w") as file:
        file.write(config)
    shutil.copy(os.path.join(fleet, "rules.yml"), folder)
    port = free_port()
    log = open(os.path.join(folder, "log"), "w")
    before = samples(address)
    prometheus = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=log,
        stderr=log,
    )

    def ask(query):
        answer = json.loads(
            get(f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query}))
        )
        assert answer["status"] == "success", answer
        return answer["data"]["result"]

    until("the first scrape", lambda: ask("contend_build_info"))
    asked = queries()
    for query in asked:
        results = until(query, lambda: ask(query))
        for result in results:
            value = float(result["value"][1])
            # A quantile of a kind that did not wait in the window is not a number.
            assert value >= 0 or value != value, (query, result)
    compared = 0
    for name in ("contend_waits_total", "contend_wait_seconds_total", "contend_contentions_total"):
        for result in ask(name):
            kind, value = result["metric"]["kind"], float(result["value"][1])
            key = f'{name}{{kind="{kind}"}}'
            assert before.get(key, 0) <= value <= samples(address)[key], (key, value)
            compared += 1
    assert compared >= 6, compared
    loaded = json.loads(get(f"http://127.0.0.1:{port}/api/v1/rules"))["data"]["groups"][0]["rules"]
    healthy = lambda: all(
        rule["health"] == "ok"
        for rule in json.loads(get(f"http://127.0.0.1:{port}/api/v1/rules"))["data"]["groups"][0]["rules"]
    )
    assert len(loaded) == 3, loaded
    until("an evaluation of the rules", healthy)
    print(f"metrics: {len(asked)} queries have answers, {compared} values are the endpoint's")
finally:
    for process in (prometheus, served):
        if process:
            process.kill()
            process.wait()
    shutil.rmtree(folder, ignore_errors=True)
