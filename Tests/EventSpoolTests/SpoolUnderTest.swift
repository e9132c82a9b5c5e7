internal import EventSpool
internal import TestSupport
internal import WebhookCore

/// A spool in a temporary folder, its calls recorded.
struct SpoolUnderTest {
  let folder: TemporaryFolder
  let recorded = RecordedCalls()
  let spool: InstanceSpool
  let publisher: Publisher

  init(isOnBtrfs: Bool = false) throws {
    folder = try TemporaryFolder()
    spool = try InstanceSpool.open(
      try exampleInstance().name, in: folder.path, calls: recorded.systemCalls(isOnBtrfs: isOnBtrfs)
    )
    publisher = try Publisher(of: spool)
    recorded.reset()
  }

  var events: [String] { folder.files(below: "acme/new") }
  var ids: [String] { folder.files(below: "acme/ids") }

  func publish(_ event: Event) throws(SpoolError) -> Publisher.Publication {
    try publisher.publish(event, minimumFreeBytes: 0, until: soon)
  }

  func failure(of event: Event) -> SpoolError? {
    do throws(SpoolError) {
      _ = try publish(event)
      return nil
    } catch {
      return error
    }
  }
}
