package import ArgumentParser
package import EventSpool
internal import Glibc
internal import LinuxSystem
internal import WebhookConfiguration
internal import WebhookCore

/// What a shell offers for a word that names something in the spool. A spool that is away offers
/// nothing, and nothing is said; one that hangs does so for a second.
package enum SpoolCompletion {
  private static let mostWords = 100
  private static let patienceMicroseconds: UInt32 = 1_000_000

  /// The instances that there are.
  package static let instances = CompletionKind.custom { words, _, prefix in
    spool(of: words)?.laidOut.map(\.description).filter { $0.hasPrefix(prefix) } ?? []
  }

  /// The beginnings of the ids of events in some states, the oldest.
  package static func events(in states: [EventState]) -> CompletionKind {
    .custom { words, _, prefix in
      guard let spool = spool(of: words) else { return [] }
      let wanted = value(of: "--instance", in: words)
      let beginning = Array(prefix.utf8)
      let found = try? spool.listing(
        of: spool.laidOut.filter { wanted == nil || $0.description == wanted }, in: states,
        limit: mostWords
      ) { name, _ in
        guard let id = EventFileName.Parts(of: name)?.idPrefix else { return false }
        // Anybody's file may lie there: only digits come to a command line.
        return name[id].allSatisfy(isHexadecimal) && name[id].starts(with: beginning)
      }
      var ids: [String] = []
      found?.forEach { name, _ in
        guard let id = EventFileName.Parts(of: name)?.idPrefix else { return }
        ids.append(String(decoding: name[id], as: UTF8.self))
      }
      return ids
    }
  }

  /// The spool that the other words of the command line mean.
  private static func spool(of words: [String]) -> SpoolReader? {
    endSoon()
    let path =
      value(of: "--spool", in: words)
      ?? (try? Settings(
        file: Settings.path(
          option: value(of: "--config", in: words),
          variable: Environment.ofProcess()[Settings.pathVariable])))?.spool
    return path.flatMap { try? SpoolReader(path: $0) }
  }

  private static func value(of option: String, in words: [String]) -> String? {
    if let index = words.firstIndex(of: option), index + 1 < words.count {
      return words[index + 1]
    }
    return words.first { $0.hasPrefix("\(option)=") }.map { String($0.dropFirst(option.count + 1)) }
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x61...0x66: true
    default: false
    }
  }

  /// Somebody waits with a finger on a key.
  private static func endSoon() {
    try? startThread {
      usleep(patienceMicroseconds)
      _exit(EXIT_SUCCESS)
    }
  }
}

extension SpoolReader {
  /// The instances' folders, and no others that lie there.
  fileprivate var laidOut: [InstanceName] {
    ((try? instances()) ?? []).filter { (try? isInstance($0)) ?? false }
  }
}
