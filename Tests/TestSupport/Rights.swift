internal import Glibc

/// Tries to mount a file system on a folder that is removed afterwards.
package func mountIsAllowed() -> Bool {
  guard let folder = try? TemporaryFolder(),
    mount("tmpfs", folder.path, "tmpfs", 0, "size=64k") == 0
  else { return false }
  return umount(folder.path) == 0
}

/// Tries to make a file immutable: that takes root and a file system that can.
@Sendable package func chattrIsAllowed() async throws -> Bool {
  let folder = try TemporaryFolder()
  let file = try folder.write([], to: "file")
  let isAllowed = try await command("chattr", ["+i", file]).exitCode == 0
  _ = try await command("chattr", ["-i", file])
  return withExtendedLifetime(folder) { isAllowed }
}
