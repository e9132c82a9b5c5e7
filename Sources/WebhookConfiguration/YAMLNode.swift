internal import CYAML
internal import WebhookCore

/// A value of a YAML document, with the place that it has there. Lines are counted from 1.
struct YAMLNode {
  enum Content {
    /// `isPlain`: without quotes, so that it may be a number.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    case mapping([Entry])
  }

  struct Entry {
    let key: String
    let keyLine: Int
    /// How far it is indented.
    let keyColumn: Int
    let value: YAMLNode
  }

  let line: Int
  let lastLine: Int
  let content: Content
  /// Whether it is a mapping with a line for each key, without braces.
  var isBlockMapping = false
}

/// What is wrong with a YAML text, and where.
struct YAMLError: Error {
  let line: Int
  let message: String
}

extension YAMLNode {
  /// The one document in `text`; an empty one is an empty mapping. Refused are anchors, aliases,
  /// tags, a second document, keys that are not scalars or stand twice in a mapping, and more than
  /// 16 levels.
  init(parsing text: [UInt8]) throws(YAMLError) {
    let (node, faults) = Self.reading(text)
    if let first = faults.first { throw first }
    guard let node else { throw YAMLError(line: 1, message: "not YAML") }
    self = node
  }

  /// The same with everything that is refused, in the order of the text. What is refused but can be
  /// passed over is not in the node, or stands in it without its decoration.
  /// - Returns: nil if the text could not be read to its end.
  static func reading(_ text: [UInt8]) -> (node: YAMLNode?, faults: [YAMLError]) {
    text.withUnsafeBufferPointer { bytes in
      let events = YAMLEvents(text: bytes)
      do throws(YAMLError) {
        let node = try events.document()
        return (node, events.faults)
      } catch {
        return (nil, events.faults + [error])
      }
    }
  }
}

/// libyaml's parser over a text that outlives it.
private final class YAMLEvents {
  private static let maximumDepth = 16

  private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)

  private let text: UnsafeBufferPointer<UInt8>
  /// What is refused and could be passed over.
  private(set) var faults: [YAMLError] = []

  init(text: UnsafeBufferPointer<UInt8>) {
    self.text = text
    precondition(yaml_parser_initialize(parser) == 1, "no memory for the YAML parser")
    yaml_parser_set_input_string(parser, text.baseAddress, text.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  func document() throws(YAMLError) -> YAMLNode {
    var root = YAMLNode(line: 1, lastLine: 1, content: .mapping([]), isBlockMapping: true)
    var documents = 0
    while true {
      let event = try next()
      switch event.kind {
      case .streamStart, .documentEnd: continue
      case .streamEnd: return root
      case .documentStart:
        documents += 1
        guard documents == 1 else {
          faults.append(event.error("a second document is not allowed"))
          return root
        }
        root = try node(beginningWith: try next(), depth: 1)
      default: throw event.error("unexpected content")
      }
    }
  }

  private func node(beginningWith event: Event, depth: Int) throws(YAMLError) -> YAMLNode {
    guard depth <= Self.maximumDepth else { throw event.error("nested too deeply") }
    if event.isDecorated { faults.append(event.error("anchors and tags are not allowed")) }
    switch event.kind {
    case .scalar(let text, let isPlain):
      return YAMLNode(
        line: event.line, lastLine: event.lastLine, content: .scalar(text, isPlain: isPlain))
    case .sequenceStart: return try sequence(from: event, depth: depth)
    case .mappingStart(let isBlock): return try mapping(from: event, isBlock, depth: depth)
    case .alias:
      faults.append(event.error("aliases are not allowed"))
      return YAMLNode(
        line: event.line, lastLine: event.lastLine, content: .scalar("", isPlain: true))
    default: throw event.error("a value is missing")
    }
  }

  private func sequence(from start: Event, depth: Int) throws(YAMLError) -> YAMLNode {
    var elements: [YAMLNode] = []
    while true {
      let event = try next()
      if case .sequenceEnd = event.kind {
        return YAMLNode(
          line: start.line,
          lastLine: event.endOfCollection ?? elements.last?.lastLine ?? start.line,
          content: .sequence(elements))
      }
      elements.append(try node(beginningWith: event, depth: depth + 1))
    }
  }

  private func mapping(
    from start: Event, _ isBlock: Bool, depth: Int
  ) throws(YAMLError) -> YAMLNode {
    var entries: [YAMLNode.Entry] = []
    var lines: [String: Int] = [:]
    while true {
      let event = try next()
      if case .mappingEnd = event.kind {
        return YAMLNode(
          line: start.line,
          lastLine: event.endOfCollection ?? entries.last?.value.lastLine ?? start.line,
          content: .mapping(entries), isBlockMapping: isBlock)
      }
      _ = try node(beginningWith: event, depth: depth + 1)
      var isNew = false
      if case .scalar(let key, _) = event.kind {
        if let first = lines[key] {
          faults.append(
            event.error("duplicate key \(printable(key)) (first defined on line \(first))"))
        } else {
          lines[key] = event.line
          isNew = true
        }
      } else {
        faults.append(event.error("a key must be a plain word"))
      }
      let value = try node(beginningWith: try next(), depth: depth + 1)
      guard isNew, case .scalar(let key, _) = event.kind else { continue }
      entries.append(
        YAMLNode.Entry(key: key, keyLine: event.line, keyColumn: event.column, value: value))
    }
  }

  // MARK: libyaml's events

  private struct Event {
    enum Kind {
      case streamStart, streamEnd, documentStart, documentEnd
      case sequenceStart, sequenceEnd, mappingEnd
      case mappingStart(isBlock: Bool)
      case scalar(String, isPlain: Bool)
      case alias
    }

    let kind: Kind
    let line: Int
    let column: Int
    let lastLine: Int
    /// The last line of a collection in brackets or braces. The end of any other has no text.
    let endOfCollection: Int?
    /// It has an anchor or a tag.
    let isDecorated: Bool

    init(_ kind: Kind, _ event: yaml_event_t, isDecorated: Bool = false) {
      let (start, end) = (event.start_mark, event.end_mark)
      (self.kind, self.isDecorated) = (kind, isDecorated)
      line = Int(start.line) + 1
      column = Int(start.column)
      // A text that ends with its line ends before the next one.
      lastLine = end.column == 0 && end.line > start.line ? Int(end.line) : Int(end.line) + 1
      endOfCollection = start.index == end.index ? nil : lastLine
    }

    func error(_ message: String) -> YAMLError { YAMLError(line: line, message: message) }
  }

  private func next() throws(YAMLError) -> Event {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else {
      let problem = parser.pointee.problem.map { String(cString: $0) } ?? "no memory"
      let line = lineOfProblem
      throw YAMLError(
        line: line,
        message: "not YAML: \(isIndentedByTab(line) ? "indent with spaces, not tabs" : problem)")
    }
    defer { yaml_event_delete(&event) }
    return Self.copy(of: event)
  }

  private var lineOfProblem: Int {
    guard parser.pointee.error == YAML_READER_ERROR else {
      return Int(parser.pointee.problem_mark.line) + 1
    }
    // What is no text has no mark, but an offset.
    return text.prefix(parser.pointee.problem_offset).count { $0 == UInt8(ascii: "\n") } + 1
  }

  private func isIndentedByTab(_ line: Int) -> Bool {
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    guard lines.indices.contains(line - 1) else { return false }
    let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    return lines[line - 1].prefix(while: isBlank).contains(UInt8(ascii: "\t"))
  }

  private static func copy(of event: yaml_event_t) -> Event {
    switch event.type {
    case YAML_STREAM_START_EVENT: return Event(.streamStart, event)
    case YAML_STREAM_END_EVENT: return Event(.streamEnd, event)
    case YAML_DOCUMENT_START_EVENT: return Event(.documentStart, event)
    case YAML_DOCUMENT_END_EVENT: return Event(.documentEnd, event)
    case YAML_SEQUENCE_END_EVENT: return Event(.sequenceEnd, event)
    case YAML_MAPPING_END_EVENT: return Event(.mappingEnd, event)
    case YAML_SEQUENCE_START_EVENT:
      let start = event.data.sequence_start
      return Event(.sequenceStart, event, isDecorated: start.anchor != nil || start.tag != nil)
    case YAML_MAPPING_START_EVENT:
      let start = event.data.mapping_start
      return Event(
        .mappingStart(isBlock: start.style == YAML_BLOCK_MAPPING_STYLE), event,
        isDecorated: start.anchor != nil || start.tag != nil)
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      return Event(
        .scalar(
          String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE),
        event, isDecorated: scalar.anchor != nil || scalar.tag != nil)
    default: return Event(.alias, event)  // the only kind that is left
    }
  }
}
