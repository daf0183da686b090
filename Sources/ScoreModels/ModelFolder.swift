import Foundation
package import InputFiles
import NumPyFormat

/// The folder of a model. Every file of the model is read through it, and so is in the
/// run's record of input files.
///
/// Links that the folder holds are followed: it is the user's, and model caches are made
/// of links. A name that a *file* gives comes from elsewhere, and must not make this
/// program read other files of its user: see `locate`.
package struct ModelFolder {
  /// The folder; "" for the current one.
  let path: String
  /// What a file of the folder is to the run, by its place.
  private let role: (String) -> InputFiles.Role
  private let files: InputFiles

  package init(
    _ path: String, _ files: InputFiles, role: @escaping (String) -> InputFiles.Role = { .model(place: $0) }
  ) {
    self.path = path
    self.files = files
    self.role = role
  }

  /// The folder of a file, and the file's place in it.
  static func of(_ file: String, _ files: InputFiles) -> (folder: ModelFolder, place: String) {
    guard let slash = file.lastIndex(of: "/") else { return (ModelFolder("", files), file) }
    let folder = slash == file.startIndex ? "/" : String(file[..<slash])
    return (ModelFolder(folder, files), String(file[file.index(after: slash)...]))
  }

  /// The path of what lies at a place of the folder.
  func path(of place: String) -> String { path.isEmpty ? place : "\(path)/\(place)" }

  func has(_ place: String) -> Bool { FileManager.default.fileExists(atPath: path(of: place)) }

  /// The contents of a file of the folder.
  func contents(of place: String) throws(ScoreModelError) -> Data {
    try contents(of: path(of: place), at: place)
  }

  /// The contents of a file that lies elsewhere than its place says.
  func contents(of path: String, at place: String) throws(ScoreModelError) -> Data {
    try files.read(path, as: role(place))
  }

  func array(of name: String, namedBy place: String) throws -> NumPyArray {
    let (file, place) = try locate(name, namedBy: place)
    return try NumPyArray(contentsOf: file, in: files, as: role(place))
  }

  /// Where the file lies that another file of the folder names, and its place in the folder.
  ///
  /// It lies beside the file that names it or, where that is a link, beside what the link
  /// leads to.
  ///
  /// - Parameters:
  ///   - name: as the file gives it, relative to itself.
  ///   - source: the place of the file that gives the name.
  /// - Throws: `ScoreModelError` where the name leads elsewhere.
  func locate(_ name: String, namedBy source: String) throws(ScoreModelError) -> (path: String, place: String) {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard !name.isEmpty, !name.hasPrefix("/"), !parts.contains("..") else { throw leaves(name, source) }
    let parent = source.lastIndex(of: "/").map { source[...$0] } ?? ""
    let place = String(parent) + name
    let beside = path(of: place)
    if FileManager.default.fileExists(atPath: beside) { return (beside, place) }
    // Beside the file that a link leads to; no link leads away from there.
    if let target = resolved(path(of: source)) {
      let home = String(target[...(target.lastIndex(of: "/") ?? target.startIndex)])
      if let file = resolved(home + name) {
        guard file.hasPrefix(home) else { throw leaves(name, source) }
        return (file, place)
      }
    }
    // What is not there is told by whoever needs it.
    return (beside, place)
  }

  private func leaves(_ name: String, _ source: String) -> ScoreModelError {
    ScoreModelError(
      .badData,
      "\(path(of: source)): names \(name), which is outside of its folder; copy that file into the folder, and name it without a path")
  }
}

/// The path without links; `nil` where nothing is there.
func resolved(_ path: String) -> String? {
  guard let place = realpath(path, nil) else { return nil }
  defer { free(place) }
  return String(cString: place)
}

extension InputFiles {
  /// The contents of a file, with this library's errors.
  func read(_ path: String, as role: Role) throws(ScoreModelError) -> Data {
    do { return try contents(of: path, as: role) } catch {
      let code: ScoreModelError.Code =
        switch error.code {
        case .badData: .badData
        case .missing: .missingFile
        case .unreadable: .inputOutput
        }
      throw ScoreModelError(code, error.description)
    }
  }
}
