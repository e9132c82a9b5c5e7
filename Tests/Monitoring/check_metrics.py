"""Checks the alert rules and the dashboard against the table of metrics, and against each other.

Usage: check_metrics.py SCRATCH, an empty folder

Writes into SCRATCH, for promtool: dashboard-test.yml, in which each expression of the dashboard must
find something among the samples of a healthy responder.
"""

import json
import pathlib
import re
import sys

import yaml

root = pathlib.Path(__file__).resolve().parents[2]
examples = root / "Sources/delve-webhook-fcgi/monitoring"
scratch = pathlib.Path(sys.argv[1])
failures = []


def fail(text):
    failures.append(text)


def table(file, row):
    found = re.findall(row, (root / file).read_text())
    assert len(found) > 20, f"no table in {file}"
    return found


def names_of_metrics():
    """Every name that a sample can have."""
    file = "Sources/ServiceProcess/Metrics/Metric.swift"
    names = dict(table(file, r'case (\w+) = "(delve_webhook_\w+)"'))
    kinds = dict(table(file, r"case \.(\w+):\s+Facts\(\s*\.(\w+)"))
    assert names.keys() == kinds.keys(), names.keys() ^ kinds.keys()
    for case, name in names.items():
        if kinds[case] == "histogram":
            yield from (f"{name}_{part}" for part in ("bucket", "sum", "count"))
        else:
            yield name


def used(text):
    return set(re.findall(r"\bdelve_webhook_\w+", text))


names = set(names_of_metrics())
code_words = {word for word in table(
    "Sources/WebhookCore/Refusal/Reasons.swift", r'(?:Facts\(\s*|spool\()"([a-z-]+)"'
)} | {"stored", "duplicate"}
rules = yaml.safe_load((examples / "alerts.yml").read_text())
tests = yaml.safe_load((examples / "alerts-test.yml").read_text())["tests"]
dashboard = json.loads((examples / "dashboard.json").read_text())
alerts = [rule for group in rules["groups"] for rule in group["rules"]]

for file in sorted(examples.iterdir()):
    if file.is_file():
        for name in sorted(used(file.read_text()) - names):
            fail(f"{file.name}: {name} is no name of Metric.swift")

# Of each alert: what an operator is told, and the labels that its text names.
fired = {}
for test in tests:
    for expression in test["promql_expr_test"]:
        for sample in expression["exp_samples"] or []:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', sample["labels"]))
            if labels.get("alertstate") == "firing":
                fired.setdefault(labels["alertname"], []).append(labels)
healthy = [test for test in tests if test["name"] == "healthy"][0]
sampled = used("".join(series["series"] for series in healthy["input_series"]))
for rule in alerts:
    alert, annotations = rule["alert"], rule["annotations"]
    if rule["labels"].get("severity") not in ("warning", "critical"):
        fail(f"{alert}: no severity")
    if annotations.keys() != {"summary", "description"}:
        fail(f"{alert}: other annotations than summary and description: {list(annotations)}")
    if not fired.get(alert):
        fail(f"{alert}: alerts-test.yml has no case in which it fires")
    told = set(re.findall(r"\$labels\.(\w+)", "".join(annotations.values())))
    # Without a target, absent() knows the job only; a misconfigured location has no instance.
    for labels in fired.get(alert, [])[:1]:
        for name in sorted(told - labels.keys()):
            fail(f"{alert}: its text names the label {name}, which it does not have")
    for name in sorted(used(rule["expr"]) - sampled):
        fail(f"{alert}: {name} has no sample in the healthy case of alerts-test.yml")
    for pattern in re.findall(r'code=~?"([^"]*)"', rule["expr"]):
        for word in pattern.split("|"):
            if not any(re.fullmatch(word, known) for known in code_words):
                fail(f"{alert}: {word} is no code word of Reasons.swift")
# Each answer that a delivery is not stored, by no fault of the sender's, is an alert.
not_taken = [rule["expr"] for rule in alerts if rule["alert"] == "DelveWebhookDeliveryNotTaken"]
pattern = re.search(r'code=~"([^"]*)"', not_taken[0])[1]
reasons = (root / "Sources/WebhookCore/Refusal/Reasons.swift").read_text()
unavailable = set(re.findall(
    r'(?:spool\(|Facts\(\s*(?="[a-z-]+", \.serviceUnavailable))"([a-z-]+)"', reasons
))
assert {"spool-full", "out-of-memory", "overloaded"} <= unavailable, unavailable
# Only the health check answers with this one.
for word in sorted(unavailable - {"overloaded"}):
    if not re.fullmatch(pattern, word):
        fail(f"DelveWebhookDeliveryNotTaken: it does not see {word}")
for alert in sorted(fired.keys() - {rule["alert"] for rule in alerts}):
    fail(f"{alert}: alerts-test.yml has it, and alerts.yml does not")

# What to do for each of them stands in the manual.
page = (root / "Sources/delve-webhook/delve-webhook-operations.7").read_text()
explained = re.findall(r"\bDelveWebhook\w+", page)
for alert in sorted({rule["alert"] for rule in alerts} ^ set(explained)):
    fail(f"{alert}: it stands in one of alerts.yml and delve-webhook-operations(7)")

# The dashboard: panels that lie beside each other, and what they ask.
panels = dashboard["panels"]
if len({panel["id"] for panel in panels}) != len(panels):
    fail("dashboard.json: two panels have one id")
taken = {}
for panel in panels:
    place = panel["gridPos"]
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            if x >= 24 or (x, y) in taken:
                fail(f"dashboard.json: {panel['title']} lies over {taken.get((x, y), 'the edge')}")
            taken[x, y] = panel["title"]
    if panel["type"] != "row" and not panel.get("targets"):
        fail(f"dashboard.json: {panel['title']} asks for nothing")


def objects(value):
    """All objects in it, at any depth."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, (dict, list)):
            yield from objects(part)


source = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
for found in objects(dashboard):
    if found.get("datasource", source) != source:
        fail(f"dashboard.json: another data source than the input: {found['datasource']}")
expressions = [found["expr"] for found in objects(dashboard) if "expr" in found]
expressions = [
    re.sub(r"\$(job|machine|instance)\b", ".*", re.sub(r"\$__(rate_)?interval", "5m", text))
    for text in expressions
]
for text in expressions:
    if "$" in text:
        fail(f"dashboard.json: an unknown variable: {text}")
shown = used("".join(expressions))
hidden = {
    "delve_webhook_decision_seconds_sum", "delve_webhook_decision_seconds_count",
    "delve_webhook_publishing_seconds_sum", "delve_webhook_publishing_seconds_count",
    "delve_webhook_last_reload_timestamp_seconds",
    "delve_webhook_consumer_start_timestamp_seconds",
    # Not on the responder's page.
    "delve_webhook_spool_arrivals_last_hour",
}
for name in sorted(names - shown - hidden):
    fail(f"dashboard.json: nothing shows {name}")
for name in sorted(hidden & shown):
    fail(f"dashboard.json: it does show {name}")

# At minute 30; at minute 602, which is right after the restart, the annotation has its answer.
dashboard_test = {
    "rule_files": [], "evaluation_interval": "1m",
    "tests": [healthy | {"promql_expr_test": [
        {"expr": f"count({text}) > bool 0", "eval_time": "602m" if "changes(" in text else "30m",
         "exp_samples": [{"labels": "{}", "value": 1}]}
        for text in expressions
    ]}],
}
(scratch / "dashboard-test.yml").write_text(json.dumps(dashboard_test))

for text in failures:
    print(text, file=sys.stderr)
print(f"{len(alerts)} alerts, {len(expressions)} expressions of the dashboard")
sys.exit(1 if failures else 0)
