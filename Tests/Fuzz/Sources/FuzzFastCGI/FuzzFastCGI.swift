import CFastCGI
import Glibc
import LinuxSystem
import WebhookCore

@testable import WebhookResponder

/// Whatever a peer sends, in pieces of whatever size: the receiver takes it or refuses it, and
/// libfcgi reads every request that it lets through, and answers it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: data, count: count))
  guard let first = input.first else { return 0 }
  let size = first == 0 ? Int.max : Int(first)
  var receiver = RequestReceiver(maximumConnections: 64) { site.snapshot }
  var rest = input.dropFirst()
  while !rest.isEmpty {
    var piece = rest.prefix(size)
    rest = rest.dropFirst(piece.count)
    guard take(&piece, by: &receiver) else { return 0 }
  }
  return 0
}

/// - Returns: whether the connection stays open.
private func take(_ piece: inout ArraySlice<UInt8>, by receiver: inout RequestReceiver) -> Bool {
  while true {
    switch receiver.next(&piece) {
    case .needsMore: return true
    case .answer: continue
    case .last, .malformed: return false
    case .request(let request): site.serve(request)
    }
  }
}

nonisolated(unsafe) private let site = makeSite()

private func makeSite() -> Site {
  do {
    return try Site()
  } catch {
    preconditionFailure("\(error)")
  }
}

/// What the responder has when it serves.
private final class Site {
  let snapshot: Snapshot
  private let library: FastCGIRequest
  private let connection: Connection
  private let peer: Int32

  init() throws {
    precondition(FCGX_Init() == 0)
    var template = Array("/tmp/fuzz-fastcgi-XXXXXX".utf8).map(CChar.init(bitPattern:)) + [0]
    let folder = String(cString: mkdtemp(&template))
    mkdir("\(folder)/spool", 0o700)
    let key = String(cString: realpath("../Attacks/keys/p521.pem", nil))
    let configuration = "spool: spool\ninstances: {a: {url: \"https://a\", keys: [\"\(key)\"]}}\n"
    let file = open("\(folder)/config.yaml", O_CREAT | O_WRONLY, 0o600)
    try writeAll(Array(configuration.utf8), to: file)
    close(file)
    snapshot = try Snapshot(configurationPath: "\(folder)/config.yaml")
    library = FastCGIRequest()
    let pair = try SocketPair().released()
    makeNonBlocking(pair.one)
    connection = Connection(FileDescriptor(owning: pair.one), id: 1)
    peer = pair.other
  }

  func serve(_ request: ReceivedRequest) {
    guard let parameters = library.parameters(of: request) else {
      preconditionFailure("libfcgi refused a request that was checked")
    }
    for name in RequestParameter.allCases {
      for value in parameters[name] { precondition(value.count <= 1 << 17) }
    }
    let response = HTTPResponse(to: .refused(Refusal(.method))).bytes(hasBody: true)
    precondition(library.respond(with: response, to: connection))
    var bytes = [UInt8](repeating: 0, count: 65_536)
    precondition(recv(peer, &bytes, bytes.count, Int32(MSG_DONTWAIT)) > response.count)
  }
}
