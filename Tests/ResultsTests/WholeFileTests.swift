import Foundation
import Results
import Testing

@Suite struct WholeFiles {
  @Test func `a written file holds the bytes and nothing else is left`() throws {
    let folder = try Folder()
    let path = folder.file("a.bin")
    try WholeFile(path).write([1, 2, 3])
    try WholeFile(path).write([4, 5])
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([4, 5]))
    #expect(try folder.content == ["a.bin"])
  }

  @Test func `the check before a run leaves the folder as it was`() throws {
    let folder = try Folder()
    try WholeFile(folder.file("a.bin")).checkWritable()
    #expect(try folder.content == [])
  }

  @Test func `what a killed run left is replaced`() throws {
    let folder = try Folder()
    try Data([9, 9, 9, 9]).write(to: URL(fileURLWithPath: folder.file("a.bin.partial")))
    try WholeFile(folder.file("a.bin")).write([1])
    #expect(try folder.content == ["a.bin"])
  }

  @Test func `a link keeps pointing to the file that is written`() throws {
    let folder = try Folder()
    try Data().write(to: URL(fileURLWithPath: folder.file("real")))
    try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "real")
    try WholeFile(folder.file("link")).write([7])
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("link")) == "real")
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("real"))) == Data([7]))
  }

  @Test func `a link to a file that is not there yet is followed, over further links and folders`() throws {
    let folder = try Folder()
    let files = FileManager.default
    try files.createDirectory(atPath: folder.file("disk"), withIntermediateDirectories: true)
    try files.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "disk/other")
    try files.createSymbolicLink(atPath: folder.file("disk/other"), withDestinationPath: "real")
    try WholeFile(folder.file("link")).write([7])
    #expect(try files.destinationOfSymbolicLink(atPath: folder.file("link")) == "disk/other")
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("disk/real"))) == Data([7]))
    try files.createSymbolicLink(atPath: folder.file("a"), withDestinationPath: "b")
    try files.createSymbolicLink(atPath: folder.file("b"), withDestinationPath: "a")
    let error = #expect(throws: OutputError.self) { try WholeFile(folder.file("a")).write([1]) }
    #expect(error?.message.contains("Too many levels of symbolic links") == true, "\(String(describing: error))")
  }

  @Test(arguments: [0o600, 0o640, 0o666])
  func `a file keeps its permissions`(mode: Int) throws {
    let folder = try Folder()
    let path = folder.file("a.bin")
    try WholeFile(path).write([1])
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    try WholeFile(path).write([2])
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == mode)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([2]))
  }

  @Test(arguments: [0o444, 0o400])
  func `a file that is write-protected is refused, whoever asks`(mode: Int) throws {
    let folder = try Folder()
    let path = folder.file("a.bin")
    try WholeFile(path).write([1])
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    let error = #expect(throws: OutputError.self) { try WholeFile(path).write([2]) }
    #expect(error?.message.contains("write-protected") == true)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([1]))
    #expect(try folder.content == ["a.bin"])
  }

  @Test func `names that cannot become a file are refused with their reason`() throws {
    let folder = try Folder()
    try Data().write(to: URL(fileURLWithPath: folder.file("plain")))
    let cases = [
      ("", "needs a name"),
      (folder.path, "is a folder"),
      (folder.file("new/"), "ends with '/'"),
      (folder.file("none/a.bin"), "folder does not exist"),
      (folder.file("plain/a.bin"), "folder does not exist"),
      (folder.file(String(repeating: "x", count: 300)), "cannot be written: File name too long"),
      ("/dev/null", "is a folder or a device"),
    ]
    for (path, message) in cases {
      let early = #expect(throws: OutputError.self) { try WholeFile(path).checkWritable() }
      let late = #expect(throws: OutputError.self) { try WholeFile(path).write([1]) }
      #expect(early?.message.contains(message) == true, "\(path): \(String(describing: early))")
      #expect(late == early)
      #expect(late?.exitCode == 74)
    }
    #expect(try folder.content == ["plain"])
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/sys"), "needs Linux's /proc"))
  func `a folder that takes no files is refused`() {
    // Not even root may create files in /proc.
    #expect(throws: OutputError.self) { try WholeFile("/proc/a.bin").checkWritable() }
  }
}
