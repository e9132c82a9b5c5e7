internal import ArgumentParser
internal import CommandLineProgram
internal import WebhookCore

/// The program `delve-webhook`.
@MainActor
package func runOperatorCommand() async {
  await runProgram(
    DelveWebhookCommand.self, reportingWrongUsage: MonitorCommand.reportWrongUsage)
}

/// The operator's command line.
struct DelveWebhookCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delve-webhook",
    abstract: "Look into the spool of delve-webhook-fcgi and try it out.",
    discussion: """
      Exit codes: 0 done; 1 the answer is a refusal, or nothing was found; 2 a key is new, or a limit \
      is passed; 64 wrong command line; 66 a file cannot be read; 69 nobody answered, or a program is \
      missing; 71 the system refused something; 73 a file cannot be written; 74 the output cannot be, \
      or the spool failed; 77 the spool is another user's; 78 wrong configuration.

      The help of a command says what its own mean.
      """,
    version: commandVersionText(of: "delve-webhook"),
    subcommands: [
      ConfigCommand.self, DelveJSONCommand.self, ExplainCommand.self, KeysCommand.self,
      MonitorCommand.self, SendCommand.self, SetupCommand.self, SpoolCommand.self,
    ])
}
