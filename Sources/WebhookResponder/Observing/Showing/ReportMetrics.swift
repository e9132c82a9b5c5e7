internal import EventSpool
internal import LinuxSystem
internal import ServiceProcess
internal import WebhookConfiguration
internal import WebhookCore

extension Report {
  var prometheusText: [UInt8] { metrics(.prometheus) }

  var openMetrics: [UInt8] {
    metrics(.openMetrics(created: MetricValue(startedAt)))
  }

  private func metrics(_ format: MetricsText.Format) -> [UInt8] {
    var text = MetricsText(format)
    appendProcess(to: &text)
    appendDeliveries(to: &text)
    appendWork(to: &text)
    appendReloads(to: &text)
    appendKeys(to: &text)
    appendSpool(to: &text)
    text.finish()
    return Array(text.text.utf8)
  }

  private func appendProcess(to text: inout MetricsText) {
    text.append(.build, [.init(1, [("version", programVersion), ("commit", buildCommit)])])
    text.append(.start, [.init(MetricValue(startedAt))])
  }

  private func appendDeliveries(to text: inout MetricsText) {
    var counts = deliveries.deliveries
    // A counter whose first value is 1 has grown unseen.
    for instance in instances {
      for hook in Hook?.all {
        for answer in [DeliveryAnswer.stored, .duplicate] {
          let labels = Counts.Labels(instance: instance.name, hook: hook, answer: answer)
          counts[labels, default: Counts.Count()].number += 0
        }
      }
    }
    let sorted = counts.inOrder
    text.append(.deliveries, sorted.map { .init($0.count.number, $0.labels.list) })
    text.append(
      .lastDelivery,
      sorted.filter { $0.count.number > 0 }.map {
        .init(MetricValue($0.count.last), $0.labels.list)
      })
    text.append(
      .lastStored,
      instances.flatMap { instance in
        lastStored(of: instance.name).map { kind, time in
          .init(
            MetricValue(time), [("instance", "\(instance.name)"), ("hook", kind.kindName)])
        }
      })
    text.append(.deliveryTime, deliveries.all)
    text.append(.decisionTime, deliveries.deciding)
    text.append(.publishingTime, deliveries.publishing)
  }

  private func appendWork(to text: inout MetricsText) {
    text.append(.receivedBytes, [.init(values.receivedBytes)])
    text.append(.sentBytes, [.init(deliveries.sentBytes)])
    text.append(.workersBusy, [.init(values.busyWorkers)])
    text.append(.workersBusyPeak, [.init(values.mostBusyWorkers)])
    text.append(.workersLimit, [.init(workersLimit)])
    text.append(.requestsWaiting, [.init(waitingRequests)])
    text.append(.requestsOverdue, [.init(overdueRequests)])
    text.append(
      .unanswered,
      [
        .init(values.undecidedDeliveries, [("reason", "expired")]),
        .init(values.unsentAnswers, [("reason", "unsent")]),
      ])
    text.append(.connections, [.init(openConnections)])
    text.append(.connectionsLimit, [.init(connectionsLimit)])
    text.append(.malformedConnections, [.init(values.malformedConnections)])
    text.append(.lostLogLines, [.init(lostLogLines)])
    text.append(.suppressedLogLines, [.init(values.suppressedLines)])
  }

  private func appendReloads(to text: inout MetricsText) {
    text.append(
      .reloads,
      [
        .init(reloads.done, [("result", "done")]), .init(reloads.failed, [("result", "failed")]),
      ])
    text.append(.lastReloadSuccessful, [.init(reloads.problem == nil ? 1 : 0)])
    if let time = reloads.lastTriedAt { text.append(.lastReload, [.init(MetricValue(time))]) }
  }

  private func appendKeys(to text: inout MetricsText) {
    text.append(
      .key,
      instances.flatMap { instance in
        // One key may stand in two files.
        var seen: Set<Thumbprint> = []
        return instance.instance.keys.filter { seen.insert($0.thumbprint).inserted }.map { key in
          let algorithms = key.algorithms.map(\.rawValue).sorted().joined(separator: ",")
          return MetricsText.Sample(
            1,
            [
              ("instance", "\(instance.name)"), ("thumbprint", key.thumbprint.text),
              ("algorithm", algorithms),
            ])
        }
      })
    text.append(
      .keyFilesReadable,
      instances.map { .init($0.keys?.problem == nil ? 1 : 0, [("instance", "\($0.name)")]) })
    text.append(
      .keysLoaded,
      instances.compactMap { instance in
        instance.keys.map { .init(MetricValue($0.loadedAt), [("instance", "\(instance.name)")]) }
      })
  }

  private func appendSpool(to text: inout MetricsText) {
    let spool = (name: "spool", value: spoolPath)
    func labels(_ instance: InstanceReport, _ state: EventState? = nil) -> [(String, String)] {
      [spool, ("instance", "\(instance.name)")] + (state.map { [("state", $0.rawValue)] } ?? [])
    }
    text.append(.spoolUsable, instances.map { .init($0.isUsable ? 1 : 0, labels($0)) })
    text.append(.spoolClosed, instances.map { .init($0.isClosed ? 1 : 0, labels($0)) })
    text.append(
      .spoolEvents,
      instances.flatMap { instance in
        EventState.allCases.compactMap { state in
          instance.view.states[state].map { .init($0.count, labels(instance, state)) }
        }
      })
    text.append(
      .spoolOldestAge,
      instances.flatMap { instance in
        EventState.allCases.compactMap { state in
          instance.oldestAge(in: state, now: now).map { .init($0, labels(instance, state)) }
        }
      })
    text.append(
      .spoolLookAge,
      instances.compactMap { instance in
        instance.lookAge(now: now).map { .init($0, labels(instance)) }
      })
    if let free { text.append(.spoolFreeBytes, [.init(free.bytes, [spool])]) }
    text.append(.spoolMinimumFreeBytes, [.init(minimumFreeBytes, [spool])])
    if let free { text.append(.spoolFreeInodes, [.init(free.inodes, [spool])]) }
  }
}
