// swift-tools-version: 6.2
import PackageDescription

// One libFuzzer executable per parser of foreign bytes, with the targets that it needs;
// `Tests/Fuzz/run` builds and runs them. They are a package of their own, because a plain build of
// such an executable does not link. `Sources` links to the program's targets, so that they are
// instrumented and in one package with the fuzzers. Of the command line and of the forwarder it has
// only what reads foreign bytes: all of them would need libraries that no fuzzer needs.
let fuzzers: KeyValuePairs<String, [Target.Dependency]> = [
  "JSON": ["StrictJSON"],
  "CompactJWS": ["WebhookCore"],
  "XSignature": ["WebhookCore"],
  "Configuration": ["WebhookConfiguration"],
  "Keys": ["WebhookCore"],
  "FastCGI": ["CFastCGI", "LinuxSystem", "WebhookCore", "WebhookResponder"],
  "CapturedRequest": [
    "CommandLineProgram", "LinuxSystem", "OperatorCommands", "StrictJSON", "WebhookCore",
  ],
  "EventFile": ["EventForwarding", "EventSpool", "LinuxSystem", "StrictJSON", "WebhookCore"],
  "HeaderFile": ["EventForwarding"],
  "PostgreSQL": ["EventForwarding", "LinuxSystem", "ServiceProcess"],
]

let package = Package(
  name: "fuzz",
  targets: [
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto"),
    .systemLibrary(name: "CFastCGI", pkgConfig: "fcgi"),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1"),
    .systemLibrary(name: "CPostgreSQL", pkgConfig: "libpq"),
    .target(name: "CLinux"),
    .target(name: "LinuxSystem", dependencies: ["CLinux"]),
    .target(name: "StrictJSON"),
    .target(name: "OpenSSLCrypto", dependencies: ["COpenSSL"]),
    .target(name: "WebhookCore", dependencies: ["StrictJSON", "OpenSSLCrypto"]),
    .target(
      name: "WebhookConfiguration", dependencies: ["CYAML", "LinuxSystem", "WebhookCore"],
      exclude: ["config.yaml", "delve-webhook.yaml.5"]),
    .target(
      name: "EventSpool", dependencies: ["LinuxSystem", "StrictJSON", "WebhookCore"],
      exclude: ["delve-webhook-spool.5"]),
    .target(name: "ServiceProcess", dependencies: ["LinuxSystem", "WebhookCore"]),
    .target(
      name: "WebhookResponder",
      dependencies: [
        "CFastCGI", "EventSpool", "LinuxSystem", "OpenSSLCrypto", "ServiceProcess", "StrictJSON",
        "WebhookConfiguration", "WebhookCore",
      ]),
    .target(name: "CommandLineProgram"),
    .target(
      name: "OperatorCommands",
      dependencies: ["CommandLineProgram", "EventSpool", "StrictJSON", "WebhookCore"]),
    .target(
      name: "EventForwarding",
      dependencies: [
        "CommandLineProgram", "CPostgreSQL", "EventSpool", "LinuxSystem", "ServiceProcess",
        "StrictJSON", "WebhookCore",
      ]),
  ]
    + fuzzers.map { name, dependencies in
      .executableTarget(
        name: "Fuzz\(name)", dependencies: dependencies,
        swiftSettings: [.unsafeFlags(["-parse-as-library"])])
    },
  swiftLanguageModes: [.v6]
)
