/// One POST, as the web server handed it over: every byte in it is the sender's, unverified.
package struct DeliveryRequest: Sendable {
  /// Every `HTTP_AUTHORIZATION` and every `HTTP_X_SIGNATURE` that came, in order.
  package let authorization: [[UInt8]]
  package let xSignature: [[UInt8]]
  package let body: RequestBody
  /// `REQUEST_URI` and `REMOTE_ADDR`; empty if the web server named none.
  package let requestURI: [UInt8]
  package let remoteAddress: [UInt8]

  package init(
    authorization: [[UInt8]], xSignature: [[UInt8]], body: RequestBody,
    requestURI: [UInt8] = [], remoteAddress: [UInt8] = []
  ) {
    self.authorization = authorization
    self.xSignature = xSignature
    self.body = body
    self.requestURI = requestURI
    self.remoteAddress = remoteAddress
  }
}
