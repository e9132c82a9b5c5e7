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
    abstract: "Set up and watch a receiver of Delve's webhooks, and handle its events.",
    discussion: """
      The responder, delve-webhook-fcgi, stores each delivery as an event in the spool. These \
      commands set the receiver up, look at what it has stored, and run a command of yours for \
      each event.

      The help of a command says more, and what its exit codes mean.

      Exit codes: 0 done; 1 the answer is no: a refusal, nothing found, or something was left \
      undone; 2 a key is new, or a limit is passed; 64 wrong command line; 66 a file or the spool \
      cannot be read; 69 nobody answered, or a program is missing; 71 the system refused \
      something; 73 a file cannot be written; 74 the output cannot be written, or the spool \
      failed; 75 another command of this kind runs, or the configuration was changed meanwhile; \
      77 the wrong user runs this; 78 wrong configuration.
      """,
    version: commandVersionText(of: "delve-webhook"),
    subcommands: [
      ConfigCommand.self, DelveJSONCommand.self, ExplainCommand.self, KeysCommand.self,
      MonitorCommand.self, SendCommand.self, SetupCommand.self, SpoolCommand.self,
    ])
}
