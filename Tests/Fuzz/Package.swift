// swift-tools-version: 6.2
import PackageDescription

// One libFuzzer executable per parser of foreign bytes; `Tests/Fuzz/run` builds and runs them. They
// are a package of their own, because a plain build of such an executable does not link. `Sources`
// links to the program's targets, so that they are instrumented and in one package with the
// fuzzers.
let fuzzers = ["JSON", "CompactJWS", "XSignature", "Configuration", "Keys", "FastCGI"]

let package = Package(
  name: "fuzz",
  targets: [
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto"),
    .systemLibrary(name: "CFastCGI", pkgConfig: "fcgi"),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1"),
    .target(name: "CLinux"),
    .target(name: "LinuxSystem", dependencies: ["CLinux"]),
    .target(name: "StrictJSON"),
    .target(name: "OpenSSLCrypto", dependencies: ["COpenSSL"]),
    .target(name: "WebhookCore", dependencies: ["StrictJSON", "OpenSSLCrypto"]),
    .target(name: "WebhookConfiguration", dependencies: ["CYAML", "LinuxSystem", "WebhookCore"]),
    .target(name: "EventSpool", dependencies: ["LinuxSystem", "WebhookCore"]),
    .target(name: "ServiceProcess", dependencies: ["LinuxSystem", "WebhookCore"]),
    .target(
      name: "WebhookResponder",
      dependencies: [
        "CFastCGI", "EventSpool", "LinuxSystem", "OpenSSLCrypto", "ServiceProcess", "StrictJSON",
        "WebhookConfiguration", "WebhookCore",
      ]),
  ]
    + fuzzers.map {
      .executableTarget(
        name: "Fuzz\($0)",
        dependencies: ["StrictJSON", "WebhookCore", "WebhookConfiguration"]
          + ($0 == "FastCGI" ? ["WebhookResponder"] : []),
        swiftSettings: [.unsafeFlags(["-parse-as-library"])])
    },
  swiftLanguageModes: [.v6]
)
