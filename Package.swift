// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// For targets that touch neither C nor pointers: the compiler proves that nothing in them is
/// unsafe.
let pure = strict + [.strictMemorySafety()]

/// What forwards events needs libpq and libcurl, which nothing else shall need: it belongs to the
/// package only where it is asked for, as in `DELVE_WEBHOOK_FORWARD=1 swift build`.
let hasForwarder = Context.environment["DELVE_WEBHOOK_FORWARD"] != nil

/// The commit that `--version` names. The build of the packages says which it is. In other builds it
/// is unknown: SwiftPM keeps what this file once found, so a commit asked for here would be an old one.
let commit = Context.environment["DELVE_WEBHOOK_COMMIT"] ?? "unknown"

let package = Package(
  name: "delve-webhook",
  products: [
    .executable(name: "delve-webhook-fcgi", targets: ["delve-webhook-fcgi"]),
    .executable(name: "delve-webhook", targets: ["delve-webhook"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    // Without its default trait: with it, the command line would need all of Foundation.
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
  ],
  targets: [
    // The C libraries.
    .systemLibrary(
      name: "COpenSSL", path: "Sources/C/COpenSSL", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"])]),
    .systemLibrary(
      name: "CFastCGI", path: "Sources/C/CFastCGI", pkgConfig: "fcgi",
      providers: [.apt(["libfcgi-dev"])]),
    .systemLibrary(
      name: "CYAML", path: "Sources/C/CYAML", pkgConfig: "yaml-0.1",
      providers: [.apt(["libyaml-dev"])]),
    .target(
      name: "CLinux", path: "Sources/C/CLinux",
      cSettings: [.define("DELVE_WEBHOOK_COMMIT", to: "\"\(commit)\"")]),

    // The responder, from its base up. The arrows point one way.
    .target(name: "StrictJSON", swiftSettings: pure),
    .target(name: "OpenSSLCrypto", dependencies: ["COpenSSL"], swiftSettings: strict),
    .target(
      name: "WebhookCore", dependencies: ["StrictJSON", "OpenSSLCrypto"], swiftSettings: pure),
    // The operating system: the only target that imports CLinux.
    .target(name: "LinuxSystem", dependencies: ["CLinux"], swiftSettings: strict),
    .target(
      name: "EventSpool", dependencies: ["LinuxSystem", "StrictJSON", "WebhookCore"],
      exclude: ["delve-webhook-spool.5"], swiftSettings: strict),
    .target(
      name: "WebhookConfiguration", dependencies: ["CYAML", "LinuxSystem", "WebhookCore"],
      exclude: ["config.yaml", "delve-webhook.yaml.5"], swiftSettings: strict),
    // What a program needs that runs for long: log, clock, the service manager, stop signals,
    // metrics.
    .target(
      name: "ServiceProcess", dependencies: ["LinuxSystem", "WebhookCore"], swiftSettings: strict),
    .target(
      name: "WebhookResponder",
      dependencies: [
        "CFastCGI", "EventSpool", "LinuxSystem", "OpenSSLCrypto", "ServiceProcess", "StrictJSON",
        "WebhookConfiguration", "WebhookCore",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "delve-webhook-fcgi", dependencies: ["WebhookResponder"],
      exclude: [
        "delve-webhook-fcgi.8", "delve-webhook.service", "delve-webhook.socket", "monitoring",
        "servers", "sysusers.conf", "tmpfiles.conf",
      ],
      swiftSettings: strict),

    // The operator's command line. CommandLineProgram: options, failures, exit codes, progress.
    .target(
      name: "CommandLineProgram",
      dependencies: [
        "EventSpool", "LinuxSystem", "ServiceProcess", "StrictJSON", "WebhookConfiguration",
        "WebhookCore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .target(
      name: "DeliverySigning", dependencies: ["COpenSSL", "StrictJSON", "WebhookCore"],
      swiftSettings: strict),
    .target(
      name: "OperatorCommands",
      dependencies: [
        "CommandLineProgram", "DeliverySigning", "EventSpool", "LinuxSystem", "ServiceProcess",
        "StrictJSON", "WebhookConfiguration", "WebhookCore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      // The hand-written parts of the commands' manual pages.
      exclude: [
        "Config/delve-webhook-config-check.mdoc",
        "Config/delve-webhook-config-show.mdoc",
        "Explain/delve-webhook-explain.mdoc",
        "Keys/delve-webhook-keys-check.mdoc",
        "Keys/delve-webhook-keys-fetch.mdoc",
        "Keys/delve-webhook-keys-remove.mdoc",
        "Monitor/delve-webhook-monitor.mdoc",
        "Run/delve-webhook-spool-run.mdoc",
        "Send/delve-webhook-send.mdoc",
        "Setup/delve-webhook-setup.mdoc",
        "Spool/delve-webhook-spool-finish.mdoc",
        "Spool/delve-webhook-spool-gaps.mdoc",
        "Spool/delve-webhook-spool-list.mdoc",
        "Spool/delve-webhook-spool-prune.mdoc",
        "Spool/delve-webhook-spool-remove.mdoc",
        "Spool/delve-webhook-spool-retry.mdoc",
        "Spool/delve-webhook-spool-show.mdoc",
        "Spool/delve-webhook-spool-stats.mdoc",
        "Spool/delve-webhook-spool-tail.mdoc",
        "Spool/delve-webhook-spool-verify.mdoc",
        "delve-webhook.mdoc",
        "delve-webhook-delve-json.mdoc",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "delve-webhook", dependencies: ["OperatorCommands"],
      exclude: [
        "delve-webhook-keys.service", "delve-webhook-keys.timer", "delve-webhook-prune.service",
        "delve-webhook-operations.7", "delve-webhook-prune.timer", "delve-webhook-run.service",
        "delve-webhook.7", "recipes",
      ],
      swiftSettings: strict),

    // The tests mirror the targets.
    .target(
      name: "TestSupport",
      dependencies: [
        "DeliverySigning", "LinuxSystem", "StrictJSON", "WebhookCore",
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      path: "Tests/TestSupport", swiftSettings: strict),
    .testTarget(
      name: "StrictJSONTests", dependencies: ["StrictJSON", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "OpenSSLCryptoTests", dependencies: ["OpenSSLCrypto", "StrictJSON", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "WebhookCoreTests",
      dependencies: [
        "COpenSSL", "WebhookCore", "OpenSSLCrypto", "StrictJSON", "DeliverySigning", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "LinuxSystemTests", dependencies: ["LinuxSystem", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "EventSpoolTests",
      dependencies: ["EventSpool", "LinuxSystem", "WebhookCore", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "WebhookConfigurationTests",
      dependencies: ["WebhookConfiguration", "WebhookCore", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "ServiceProcessTests",
      dependencies: ["ServiceProcess", "LinuxSystem", "TestSupport", "WebhookCore"],
      swiftSettings: strict),
    .testTarget(
      name: "WebhookResponderTests",
      dependencies: [
        "WebhookResponder", "EventSpool", "LinuxSystem", "OperatorCommands", "ServiceProcess",
        "StrictJSON", "TestSupport", "WebhookConfiguration", "WebhookCore",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "CommandLineProgramTests",
      dependencies: ["CommandLineProgram", "EventSpool", "LinuxSystem"], swiftSettings: strict),
    .testTarget(
      name: "OperatorCommandsTests",
      dependencies: [
        "OperatorCommands", "CommandLineProgram", "EventSpool", "LinuxSystem", "ServiceProcess",
        "StrictJSON", "TestSupport", "WebhookCore",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "IntegrationTests",
      dependencies: [
        "CLinux", "TestSupport", "DeliverySigning", "StrictJSON", "WebhookCore", "EventSpool",
        "ServiceProcess", "delve-webhook", "delve-webhook-fcgi",
      ] + (hasForwarder ? ["delve-webhook-forward"] : []),
      exclude: ["Support/deliveries.lua"] + (hasForwarder ? [] : ["Forwarding"]),
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)

if hasForwarder {
  package.products.append(
    .executable(name: "delve-webhook-forward", targets: ["delve-webhook-forward"]))
  package.targets += [
    .systemLibrary(
      name: "CPostgreSQL", path: "Sources/C/CPostgreSQL", pkgConfig: "libpq",
      providers: [.apt(["libpq-dev"])]),
    .systemLibrary(
      name: "CCurl", path: "Sources/C/CCurl", pkgConfig: "libcurl",
      providers: [.apt(["libcurl4-openssl-dev"])]),
    .target(
      name: "EventForwarding",
      dependencies: [
        "CCurl", "CommandLineProgram", "CPostgreSQL", "EventSpool", "LinuxSystem",
        "OpenSSLCrypto", "ServiceProcess", "StrictJSON", "WebhookCore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["delve-webhook-forward.mdoc"], swiftSettings: strict),
    .executableTarget(
      name: "delve-webhook-forward", dependencies: ["EventForwarding"],
      exclude: ["delve-webhook-forward.service"], swiftSettings: strict),
    .testTarget(
      name: "EventForwardingTests",
      dependencies: [
        "EventForwarding", "CommandLineProgram", "EventSpool", "StrictJSON", "TestSupport",
        "WebhookCore",
      ],
      swiftSettings: strict),
  ]
}
