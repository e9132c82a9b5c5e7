internal import Foundation
internal import TestSupport

/// A page of the documentation.
struct Page {
  /// As in `README.md` or `delve-webhook.1`.
  let name: String
  let text: String

  var isManual: Bool { !name.hasSuffix(".md") }

  /// Everything that is shown as it is to be typed: the lines of the blocks, and what stands in the
  /// text.
  var shown: [String] { isManual ? shownByManual : shownByMarkdown }

  private var shownByManual: [String] {
    var blocks: [String] = []
    var isInBlock = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix(".Bd -literal") {
        isInBlock = true
        blocks.append("")
      } else if line == ".Ed" {
        isInBlock = false
      } else if isInBlock {
        blocks[blocks.count - 1] += "\(Self.unescaped(line))\n"
      } else if let typed = line.wholeMatch(of: /\.(?:Ql|Dl) (.*?)(?: [.,:;)])*/) {
        blocks.append(Self.unescaped(typed.1))
      }
    }
    return blocks.flatMap(Self.commandLines)
  }

  private var shownByMarkdown: [String] {
    let parts = text.split(
      separator: /(?m)^ *```.*$/, omittingEmptySubsequences: false)
    let blocks = parts.indices.filter { !$0.isMultiple(of: 2) }.map { String(parts[$0]) }
    let inText = parts.indices.filter { $0.isMultiple(of: 2) }.flatMap { index in
      parts[index].matches(of: /`([^`]+)`/).map { String($0.1.replacing("\n", with: " ")) }
    }
    return blocks.flatMap(Self.commandLines) + inText
  }

  /// What is special in roff(7) stands for itself again.
  private static func unescaped(_ line: some StringProtocol) -> String {
    var line = String(line)
    if line.hasPrefix(#"\&"#) { line.removeFirst(2) }
    for (escape, character) in [
      (#"\(aq"#, "'"), (#"\(dq"#, "\""), (#"\(ti"#, "~"), (#"\(ha"#, "^"), (#"\(ga"#, "`"),
      (#"\-"#, "-"), (#"\e"#, #"\"#),
    ] {
      line = line.replacing(escape, with: character)
    }
    return line
  }

  /// A line that is continued is one.
  private static func commandLines(of block: String) -> [String] {
    block.replacing(/\\\n\s*/, with: "").split(separator: "\n").map(String.init)
  }
}

extension Page {
  /// The pages that are written by hand.
  static func written() throws -> [Page] {
    try ["README.md", "Sources", "Tests", "nginx", "apache", ".github"].flatMap { place in
      try files(of: place).filter { $0.contains(/\.(?:md|[1578])$/) }.map(Page.init(path:))
    }
  }

  /// The sections of made pages that are written by hand: the names of their pages.
  static func supplements() throws -> [String] {
    try files(of: "Sources").filter { $0.hasSuffix(".mdoc") }.map {
      URL(filePath: $0).deletingPathExtension().lastPathComponent
    }
  }

  /// The pages that are made from a program's help.
  static func made(
    of program: String, section: String, date: Int = 0
  ) async throws -> [Page] {
    let folder = try TemporaryFolder()
    let result = try await command(
      "\(Repository.root)/Sources/Packages/manual.py",
      [Repository.executable(program), section, folder.path],
      environment: ["SOURCE_DATE_EPOCH": "\(date)"])
    guard result.exitCode == 0 else { throw NotMade(message: result.errorOutput) }
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
      try Page(path: "\(folder.path)/\($0)")
    }
  }

  private struct NotMade: Error { let message: String }

  private init(path: String) throws {
    self.init(
      name: URL(filePath: path).lastPathComponent,
      text: String(decoding: try fileBytes(path), as: UTF8.self))
  }

  private static func files(of place: String) throws -> [String] {
    let path = "\(Repository.root)/\(place)"
    guard let inner = FileManager.default.enumerator(atPath: path) else { return [path] }
    let files = inner.compactMap { $0 as? String }.filter { !$0.contains(".build") }
    return files.isEmpty ? [path] : files.sorted().map { "\(path)/\($0)" }
  }
}
