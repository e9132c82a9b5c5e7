internal import OperatorCommands

await runOperatorCommand()
