@testable internal import ServiceProcess
internal import Testing

struct StopRequestTests {
  @Test func workGoesOnUntilSomebodyAsks() {
    let request = StopRequest()
    #expect(!request.isMade && !request.endsWork)
  }

  @Test func requestLetsWorkFinish() {
    let request = StopRequest()
    request.make()
    request.make()
    #expect(request.isMade && !request.endsWork)
  }

  @Test func endOfWorkIsARequestToo() {
    let request = StopRequest()
    request.endWork()
    #expect(request.isMade && request.endsWork)
  }

  @Test func endOfWorkIsNotTakenBackByARequest() {
    let request = StopRequest()
    request.endWork()
    request.make()
    #expect(request.endsWork)
  }
}
