import Foundation
import InputFiles

/// SHA-256 of the samples, in lower-case hexadecimal digits: of their elements
/// as a `.npy` file holds them, little-endian, row-major, in sample order,
/// without the header. The same for every number of ranks.
///
/// SHA-256 is a chain from the first byte to the last, so one rank computes it,
/// from the file that all ranks have written: what is vouched for is what is on
/// the disk, no message is needed, and memory is bounded by one piece.
///
/// - Throws: `OutputError` where the file cannot be read or has not exactly
///   `byteCount` bytes from `start` on.
func sampleDigest(of file: WholeFile, from start: Int, byteCount: Int) throws(OutputError) -> String {
  let pieceLength = 1 << 20
  let descriptor = open(file.partialPath, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw file.failure(errno) }
  defer { close(descriptor) }
  let hash = SHA256()
  var piece = [UInt8](repeating: 0, count: pieceLength)
  var done = 0
  while true {
    let count = pread(descriptor, &piece, pieceLength, off_t(start + done))
    if count < 0, errno == EINTR { continue }
    if count < 0 { throw file.failure(errno) }
    if count == 0 { break }
    hash.update(piece.span.extracting(..<count).bytes)
    done += count
  }
  guard done == byteCount else {
    throw OutputError(
      file: file.path, "holds \(done) bytes of samples after writing \(byteCount); is the disk full?")
  }
  return hash.hexadecimal()
}
