internal import Glibc
internal import LinuxSystem
internal import Testing

struct EnvironmentTests {
  @Test func variableIsFoundByItsWholeName() {
    let environment = Environment(variables: ["NAME": "value=1", "NAMES": "others"])
    #expect(environment["NAME"] == "value=1")
    #expect(environment["NAM"] == nil && environment[""] == nil)
  }

  @Test func onlyTheNamedVariablesAreLeftOut() {
    let environment = Environment(variables: [
      "LISTEN_FDS": "1", "LISTEN_FDS_OTHER": "2", "OTHER": "LISTEN_FDS=3",
    ]).without(["LISTEN_FDS", "NOT_THERE"])
    #expect(
      Set(environment.entries.map { String(decoding: $0, as: UTF8.self) })
        == ["LISTEN_FDS_OTHER=2", "OTHER=LISTEN_FDS=3"])
  }

  @Test func valuesOfTheProcessAreReadByteForByte() async {
    await #expect(processExitsWith: .success) {
      let value: [CChar] = [0x63, -23, 0]  // "c" and an é of Latin-1
      try #require(setenv("DELVE_TEST_VALUE", value, 1) == 0)
      let environment = Environment.ofProcess()
      #expect(environment.bytes(of: "DELVE_TEST_VALUE").map(Array.init) == [0x63, 0xE9])
      #expect(environment.entries.contains(Array("DELVE_TEST_VALUE=c".utf8) + [0xE9]))
    }
  }
}
