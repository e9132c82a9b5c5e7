internal import FastCGIGateway
internal import Glibc

exit(runResponder(arguments: Array(CommandLine.arguments.dropFirst())))
