internal import EventForwarding

await runForwarder()
