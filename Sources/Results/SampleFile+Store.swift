import Foundation
import InputFiles
import NumPyFormat

extension SampleFile {
  /// Writes the file from a store, piece by piece; for one rank.
  ///
  /// - Parameters:
  ///   - leading: the axes in front of a sample's own.
  /// - Returns: the digest (see `sampleDigest`).
  public func write(from store: SampleStore, rows: Range<Int>, leading: [Int]) throws -> String {
    let header = NumPyHeader(elementType: store.elementSize == 4 ? .float32 : .float64, shape: leading + shape)
    let hash = SHA256()
    try file.writePieces { append in
      try append(Data(header.encoded))
      try store.forEachPiece(ofRows: rows) {
        hash.update($0.bytes)
        try append($0)
      }
    }
    return hash.hexadecimal()
  }
}

extension WholeFile {
  /// Writes the file piece by piece from this process: whole or not at all.
  fileprivate func writePieces(_ body: ((Data) throws -> Void) throws -> Void) throws {
    try createPartial()
    do {
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: partialPath))
      do {
        try body { try handle.write(contentsOf: $0) }
        try handle.synchronize()
        try handle.close()
      } catch let error as CocoaError {
        throw OutputError(file: path, "cannot be written: \(error.localizedDescription)")
      }
      try publishPartial()
    } catch {
      discardPartial()
      throw error
    }
  }
}
