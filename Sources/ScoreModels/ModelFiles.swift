import Foundation

extension ModelSource {
  /// The files that the model is made of: what its scores depend on, besides
  /// the library that evaluates it; the network first.
  ///
  /// - Throws: as `open` does.
  public func files() throws -> [String] {
    switch self {
    case .digits: try ExportedFolder(BuiltInModel.folder("digits")).files()
    case .folder(let path): try ExportedFolder(path).files()
    case .plugin(let file, let configuration):
      // A configuration is any text; where it names a file, that file counts.
      [file] + (isRegularFile(configuration) ? [configuration] : [])
    case .target(let file): try [file] + JSONObject(contentsOf: file).arrayFiles()
    }
  }
}

extension ModelSource {
  /// The folder that holds the files; `nil` for a plug-in, which is loaded from
  /// where it lies.
  ///
  /// - Throws: where the built-in model is missing.
  public func home() throws -> String? {
    switch self {
    case .digits: try BuiltInModel.folder("digits")
    case .folder(let path): path
    case .target(let file): URL(fileURLWithPath: file).deletingLastPathComponent().path
    case .plugin: nil
    }
  }
}

private func isRegularFile(_ path: String) -> Bool {
  (try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType) == .typeRegular
}

extension ExportedFolder {
  fileprivate func files() throws -> [String] {
    try [network, configuration] + ONNXFile(contentsOf: network).weightFiles
  }
}

/// The path of a file that something in a model's folder names. What comes
/// from elsewhere must not make this program read other files of its user.
///
/// - Throws: `ScoreModelError` where the file lies outside of the folder, be
///   it by its name or by a symbolic link.
func path(of name: String, within folder: String, namedBy source: String) throws -> String {
  let path = URL(fileURLWithPath: folder).appendingPathComponent(name).path
  func leaves() -> ScoreModelError {
    ScoreModelError(
      .badData, "\(source): names \(name), which is outside of \(folder); copy the file itself into that folder")
  }
  guard !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else { throw leaves() }
  // What is not there is told by whoever needs it.
  guard let place = realpath(path, nil), let home = realpath(folder, nil) else { return path }
  defer {
    free(place)
    free(home)
  }
  guard String(cString: place).hasPrefix(String(cString: home) + "/") else { throw leaves() }
  return path
}
