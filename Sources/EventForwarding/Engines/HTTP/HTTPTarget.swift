internal import CCurl
internal import CommandLineProgram
internal import EventSpool
internal import LinuxSystem
internal import ServiceProcess

/// A server that takes each event as the POST of a CloudEvents 1.0.2 structured event (its HTTP
/// protocol binding, §3.2). A 2xx is its promise.
final class HTTPTarget: EventTarget {
  /// A target that is away is not asked more often at a time.
  private static let mostProblemsInARow = 3
  /// While outcomes are recorded, nobody reads what the other requests are answered.
  private static let longestRecording = Duration.seconds(1)

  private let settings: Transfer.Settings
  private let headerFile: HeaderFile?
  private let jobs: Int
  private let multi: UnsafeMutableRawPointer
  private var fields: HeaderFields?

  /// - Parameter jobs: requests at the same time.
  init(
    _ settings: Transfer.Settings, headerFile: HeaderFile?, jobs: Int
  ) throws(CommandError) {
    if !settings.url.needsNoProxy { try ProxyVariable.check(.ofProcess()) }
    guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, let multi = curl_multi_init()
    else { throw .unavailable("libcurl does not start") }
    self.settings = settings
    self.headerFile = headerFile
    self.jobs = jobs
    self.multi = multi
  }

  deinit { curl_multi_cleanup(multi) }

  var name: String { settings.url.origin }
  var batchSize: Int { 16 * jobs }
  var concurrency: Int { jobs }

  func open(_ signals: StopSignals) throws(TargetError) {
    let further = try headerFile?.fields() ?? []
    fields = HeaderFields(
      ["Content-Type: application/cloudevents+json; charset=UTF-8"] + further)
  }

  func deliver(
    _ events: [OutgoingEvent], _ signals: StopSignals,
    settle: (Int, Delivery) throws(SpoolError) -> Bool
  ) throws(DeliveringError) {
    guard let fields else { throw .target(.unavailable("out of memory")) }
    var waiting = events.enumerated().makeIterator()
    var running: [UnsafeMutableRawPointer: Transfer] = [:]
    var mayBegin = true
    var problems = 0
    /// Those whose time went on while outcomes of others were recorded.
    var neglected: Set<Int> = []
    defer { for easy in running.keys { curl_multi_remove_handle(multi, easy) } }
    while true {
      signals.read()
      guard !signals.request.endsWork else { throw .target(.interrupted) }
      while mayBegin, !signals.request.isMade, running.count < jobs,
        let (index, event) = waiting.next()
      {
        guard let transfer = Transfer(event, at: index, settings, fields: fields),
          curl_multi_add_handle(multi, transfer.easy) == CURLM_OK
        else { throw .target(.unavailable("libcurl cannot start a request")) }
        running[transfer.easy] = transfer
      }
      if running.isEmpty { break }
      var count: Int32 = 0
      guard curl_multi_perform(multi, &count) == CURLM_OK else {
        throw .target(.unavailable("libcurl cannot go on"))
      }
      let begin = SuspendingClock.now
      for (easy, code) in finished() {
        guard let transfer = running.removeValue(forKey: easy) else { continue }
        curl_multi_remove_handle(multi, easy)
        let answer = transfer.answer(code)
        // It may have been answered in time. It is asked again.
        if neglected.contains(transfer.index), answer.status == 0 { continue }
        do throws(SpoolError) {
          let goesOn = try settle(transfer.index, answer.delivery)
          problems = answer.problem == nil ? 0 : problems + 1
          mayBegin = mayBegin && goesOn && problems < Self.mostProblemsInARow
        } catch {
          throw .spool(error)
        }
        if SuspendingClock.now - begin > Self.longestRecording {
          neglected.formUnion(running.values.map(\.index))
        }
      }
      if count > 0 { wait(signals) }
    }
    // Some may not have been begun.
    if signals.request.isMade { throw .target(.interrupted) }
  }

  private func finished() -> [(UnsafeMutableRawPointer, CURLcode)] {
    var found: [(UnsafeMutableRawPointer, CURLcode)] = []
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      var code = CURLE_OK
      if let easy = ccurl_done(message, &code) { found.append((easy, code)) }
    }
    return found
  }

  /// For something to come, or a signal.
  private func wait(_ signals: StopSignals) {
    var further = curl_waitfd(
      fd: signals.descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)
    curl_multi_poll(multi, &further, 1, 500, nil)
  }
}
