/// A disk that, after a power cut, has everything that was synced and any part of the rest.
///
/// Each file's data and each folder's names are separate: a sync of one does not sync the other. A
/// file's data can be synced before the file has a name, as on ext4 and XFS. The model has no
/// consumer, and so no rename.
struct DiskModel: Hashable {
  typealias Inode = Int

  private struct File: Hashable {
    var isWritten = false
    var isSynced = false
  }

  private struct Folder: Hashable {
    var names: [String: Inode] = [:]
    var syncedNames: [String: Inode] = [:]
  }

  static let root: Inode = 0

  private var files: [Inode: File] = [:]
  private var folders: [Inode: Folder] = [root: Folder()]
  private var nextInode: Inode = 1

  // MARK: Calls

  mutating func makeFile() -> Inode {
    defer { nextInode += 1 }
    files[nextInode] = File()
    return nextInode
  }

  mutating func makeFolder(_ name: String, in folder: Inode) -> Inode {
    defer { nextInode += 1 }
    folders[nextInode] = Folder()
    folders[folder]?.names[name] = nextInode
    return nextInode
  }

  mutating func write(_ file: Inode) { files[file]?.isWritten = true }

  mutating func sync(_ inode: Inode) {
    if files[inode]?.isWritten == true { files[inode]?.isSynced = true }
    if let names = folders[inode]?.names { folders[inode]?.syncedNames = names }
  }

  mutating func link(_ inode: Inode, as name: String, in folder: Inode) {
    folders[folder]?.names[name] = inode
  }

  mutating func unlink(_ name: String, in folder: Inode) { folders[folder]?.names[name] = nil }

  func inode(of name: String, in folder: Inode) -> Inode? { folders[folder]?.names[name] }

  func isFolder(_ inode: Inode) -> Bool { folders[inode] != nil }

  func isWhole(_ file: Inode) -> Bool { files[file]?.isWritten == true }

  /// The files that `folder` names.
  func files(in folder: Inode) -> [Inode] { folders[folder].map { Array($0.names.values) } ?? [] }

  // MARK: Power cuts

  /// Every state of the disk that a power cut can leave.
  func afterPowerCut() -> Set<DiskModel> {
    var disks: Set<DiskModel> = [self]
    for (inode, file) in files where file.isWritten && !file.isSynced {
      disks = disks.union(
        disks.map { disk in
          var disk = disk
          disk.files[inode]?.isWritten = false
          return disk
        })
    }
    for (inode, folder) in folders {
      for name in Set(folder.names.keys).union(folder.syncedNames.keys)
      where folder.names[name] != folder.syncedNames[name] {
        disks = disks.union(
          disks.map { disk in
            var disk = disk
            disk.folders[inode]?.names[name] = folder.syncedNames[name]
            return disk
          })
      }
    }
    return Set(disks.map { $0.withEverythingSynced })
  }

  /// The disk after its restart: everything that it holds is on stable storage.
  private var withEverythingSynced: DiskModel {
    var disk = self
    for (inode, file) in files { disk.files[inode]?.isSynced = file.isWritten }
    for (inode, folder) in disk.folders { disk.folders[inode]?.syncedNames = folder.names }
    return disk
  }
}
