internal import ArgumentParser
internal import CommandLineProgram
internal import EventSpool
internal import Glibc
internal import StrictJSON
internal import Synchronization
internal import WebhookConfiguration
internal import WebhookCore

/// `delve-webhook spool verify`
struct SpoolVerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check the proof in every event again.",
    discussion: """
      Each event carries the token that it came with. It is checked against the event's data, id, \
      eventkey and file name, with the keys of the configuration or those of --keys, on all cores. \
      Names what does not hold, one line a file. Exit code 0: everything holds; 1: something does not.
      """)

  @OptionGroup var options: SpoolOptions

  @Option(help: "Check with the keys in this file, in place of the configuration's. Repeatable.")
  var keys: [String] = []

  @Flag(help: "One JSON object a line: what does not hold, and the counts at the end.")
  var json = false

  func run() async throws {
    try await reportingErrors { try await verify() }
  }

  private func verify() async throws {
    let reader = try options.reader()
    let keys = try keysByInstance(in: reader)
    var entries: [SpoolEntry] = []
    for instance in try options.instances(in: reader) {
      entries += try reader.oldest(of: [instance], in: EventState.allCases).entries
    }
    let work = VerificationWork(reader: reader, entries: entries, keys: keys)
    let problems = await work.run().sorted { $0.path < $1.path }
    for problem in problems { report(problem) }
    let count = entries.count
    if json {
      let counts: JSONObject = [
        "verified": .number(count - problems.count), "failed": .number(problems.count),
      ]
      printResult(counts.line)
    } else {
      printResult("\(count - problems.count) of \(count) events hold")
    }
    if !problems.isEmpty { throw ExitCode.failure }
  }

  private func keysByInstance(in reader: SpoolReader) throws -> [InstanceName: [VerificationKey]] {
    guard keys.isEmpty else {
      let named = try keys.flatMap { file in
        do throws(ConfigurationError) {
          return try readKeyFile(file).keys
        } catch {
          throw CommandError.noInput(error.description)
        }
      }
      return Dictionary(uniqueKeysWithValues: try reader.instances().map { ($0, named) })
    }
    let instances = try options.configuration.loaded().instances
    return Dictionary(uniqueKeysWithValues: instances.map { ($0.name, $0.keys) })
  }

  private func report(_ problem: VerificationWork.Problem) {
    if json {
      let object: JSONObject = [
        "path": .string(problem.path), "problem": .string(problem.sentence),
      ]
      printResult(object.line)
    } else {
      printResult("\(printable(problem.path)): \(problem.sentence)")
    }
  }
}

/// The events of a spool, handed out to as many tasks as there are cores.
private struct VerificationWork: Sendable {
  struct Problem: Sendable {
    let path: String
    let sentence: String
  }

  let reader: SpoolReader
  let entries: [SpoolEntry]
  let keys: [InstanceName: [VerificationKey]]

  func run() async -> [Problem] {
    let bar = ProgressBar(total: entries.count)
    defer { bar.finish() }
    let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    return await withTaskGroup(of: [Problem].self) { group in
      for core in 0..<cores {
        group.addTask {
          stride(from: core, to: entries.count, by: cores).compactMap { index in
            defer { bar.advance() }
            return problem(of: entries[index])
          }
        }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
  }

  private func problem(of entry: SpoolEntry) -> Problem? {
    guard let keys = keys[entry.instance] else {
      return Problem(path: entry.path, sentence: "no keys are configured for its instance")
    }
    do throws(SpoolError) {
      let line = try reader.contents(of: entry)
      do throws(ProofError) {
        try verifyProof(of: line, fileName: entry.fileName, by: keys)
        return nil
      } catch {
        return Problem(path: entry.path, sentence: error.sentence)
      }
    } catch {
      let sentence =
        error.errno == ENOENT
        ? "it is not there any more: a consumer has moved it, or its name is not UTF-8"
        : error.message
      return Problem(path: entry.path, sentence: sentence)
    }
  }
}
