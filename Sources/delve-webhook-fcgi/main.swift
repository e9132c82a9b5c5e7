internal import WebhookResponder
internal import Glibc

// Without exit's handlers: they would free what a worker may still use.
_exit(runResponder())
