// swift-tools-version: 6.2
import PackageDescription

// Planted faults, and one program that has none: they show that a sanitizer is in force.
let package = Package(
  name: "faults",
  targets: [
    .target(name: "CFaults"),
    .executableTarget(name: "fault", dependencies: ["CFaults"]),
  ],
  swiftLanguageModes: [.v6]
)
