import Foundation

/// The models that come with the program.
///
/// They are found from where this code lies, and not by `Bundle.module`, which
/// remembers the folder that the program was built in and traps where that is
/// gone: an installed program may be copied anywhere.
enum BuiltInModel {
  /// The folder of a model.
  ///
  /// - Throws: `ScoreModelError.Code.missingFile`, naming where it was looked for.
  static func folder(_ name: String) throws -> String {
    let here = URL(fileURLWithPath: fileOfThisCode).deletingLastPathComponent().path
    let places = [
      "\(here)/piadm_ScoreModels.resources/Models/\(name)",  // as SwiftPM builds
      "\(here)/../share/piadm/models/\(name)",  // as CMake installs
    ]
    guard let place = places.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      throw ScoreModelError(
        .missingFile,
        "the built-in model \(name) is missing: neither \(places.joined(separator: " nor ")) is there; build or install the program again"
      )
    }
    return place
  }

  /// The program, or the library or test bundle that holds this code, as the
  /// kernel maps it. (`dladdr` is hidden from Swift.)
  private static var fileOfThisCode: String {
    let address = UInt(bitPattern: #dsohandle)
    let maps = (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)) ?? ""
    for line in maps.split(separator: "\n") {
      // first-last permissions offset device inode path
      let fields = line.split(separator: " ", maxSplits: 5)
      let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      if fields.count == 6, ends.count == 2, (ends[0]..<ends[1]).contains(address) {
        return fields[5].trimmingCharacters(in: .whitespaces)
      }
    }
    return Bundle.main.executablePath ?? ""
  }
}
