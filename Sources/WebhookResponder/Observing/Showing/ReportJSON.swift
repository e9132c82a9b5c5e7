internal import EventSpool
internal import LinuxSystem
internal import ServiceProcess
internal import StrictJSON
internal import WebhookConfiguration
internal import WebhookCore

extension Report {
  /// What the status page shows, for a program.
  var json: JSONObject {
    [
      "verdict": .string(verdict.rawValue),
      "findings": .array(
        findings.map {
          .object([
            "severity": .string($0.severity.verdict.rawValue), "finding": .string($0.sentence),
            "remedy": .string($0.remedy),
            "instance": $0.instance.map { .string("\($0)") } ?? .null,
            "subject": $0.subject.map { .string($0.rawValue) } ?? .null,
          ])
        }),
      "version": .string(programVersion), "commit": .string(buildCommit),
      "time": .string(now.rfc3339), "started": .string(startedAt.rfc3339),
      "spool": .string(spoolPath), "freebytes": free.map { .number($0.bytes) } ?? .null,
      "freeinodes": free.map { .number($0.inodes) } ?? .null,
      "minimumfreebytes": .number(minimumFreeBytes),
      "instances": .array(instances.map { .object(json(of: $0)) }),
      "deliveries": .array(deliveryJSON),
      "hours": .array(hours.map(json)),
      "historyread": .boolean(isHistoryComplete),
      "recent": .array(deliveries.recent.newestFirst.map { .object($0.json) }),
      "workers": .object([
        "busy": .number(values.busyWorkers), "busypeak": .number(values.mostBusyWorkers),
        "limit": .number(workersLimit),
      ]),
      "connections": .object([
        "open": .number(openConnections), "limit": .number(connectionsLimit),
        "malformed": .number(values.malformedConnections),
      ]),
      "requestswaiting": .number(waitingRequests), "requestsoverdue": .number(overdueRequests),
      "unanswered": .object([
        "expired": .number(values.undecidedDeliveries), "unsent": .number(values.unsentAnswers),
      ]),
      "reloads": .object([
        "done": .number(reloads.done), "failed": .number(reloads.failed),
        "last": reloads.lastTriedAt.map { .string($0.rfc3339) } ?? .null,
        "problem": reloads.problem.map { .string($0) } ?? .null,
      ]),
      "loglines": .object([
        "lost": .number(lostLogLines), "suppressed": .number(values.suppressedLines),
      ]),
    ]
  }

  private func json(of instance: InstanceReport) -> JSONObject {
    [
      "name": .string("\(instance.name)"), "url": .string(instance.instance.url),
      "usable": .boolean(instance.isUsable), "closed": .boolean(instance.isClosed),
      "problem": instance.problem.map { .string($0.message) } ?? .null,
      "lookageseconds": instance.lookAge(now: now).map { .number($0) } ?? .null,
      "states": .array(
        EventState.allCases.compactMap { state in
          instance.view.states[state].map { summary in
            .object([
              "state": .string(state.rawValue), "events": .number(summary.count),
              "oldestageseconds": instance.oldestAge(in: state, now: now).map { .number($0) }
                ?? .null,
            ])
          }
        }),
      "laststored": .array(
        lastStored(of: instance.name).map { kind, time in
          .object(["kind": .string(kind.kindName), "time": .string(time.rfc3339)])
        }),
      "keys": .array(
        instance.instance.keys.map { key in
          .object([
            "thumbprint": .string(key.thumbprint.text), "type": .string(key.typeName),
            "algorithms": .array(key.algorithms.map(\.rawValue).sorted().map { .string($0) }),
          ])
        }),
      "keysloaded": instance.keys.map { .string($0.loadedAt.rfc3339) } ?? .null,
      "keysproblem": instance.keys?.problem.map { .string($0) } ?? .null,
      "newkeys": .array(instance.newKeys.map { .string($0.text) }),
      "dead": .array(
        instance.view.dead.map { entry, record in
          .object([
            "file": .string(entry.fileName),
            "reason": .string(record?.shortReason ?? unknownReason),
            "output": .string(record?.shortOutput ?? ""),
          ])
        }),
    ]
  }

  private var deliveryJSON: [JSONValue] {
    deliveries.deliveries.inOrder.map { labels, count in
      .object([
        "instance": labels.instance.map { .string("\($0)") } ?? .null,
        "hook": labels.hook.map { .string($0.rawValue) } ?? .null,
        "code": .string(labels.answer.codeWord), "count": .number(count.number),
        "last": .string(count.last.rfc3339),
      ])
    }
  }

  private func json(of hour: HourReport) -> JSONValue {
    .object([
      "start": .string(CalendarDate(secondsSince1970: hour.start).rfc3339),
      "stored": .object(
        JSONObject(hour.stored.map { ($0.kind.kindName, .number($0.count)) })),
      "refused": .number(hour.refused),
    ])
  }
}

extension RecentDeliveries.Entry {
  fileprivate var json: JSONObject {
    [
      "time": .string(decidedAt.rfc3339), "code": .string(answer.codeWord),
      "subject": event.map { .string($0.subject) }, "id": event.map { .string($0.id.hex) },
      "remote": .string(remoteAddress), "us": .number(microseconds),
      "kept": keptAs.map { .string($0) },
    ]
  }
}

let unknownReason = "unknown"

extension AttemptRecord {
  /// Why the event was given up, in a few words.
  var shortReason: String { how.map { printable(String($0.prefix(64))) } ?? unknownReason }

  /// The last of what the handler or the target said: from a program of the operator's, or a server.
  var shortOutput: String {
    let lines = output.split(whereSeparator: \.isNewline)
    return printable(String((lines.last ?? "").prefix(200)))
  }
}
