import Foundation
import FoundationXML

/// What a network in OpenVINO's own format tells before the runtime reads it: how many
/// parameters it has, and how many bytes its file of weights.
///
/// The format is an XML file of layers beside a file of numbers. A layer of type `Const`
/// states their element type, shape, offset and size.
struct OpenVINOFile {
  private(set) var parameterCount = 0
  /// Bytes that the file of weights has at least.
  private(set) var weightBytes = 0

  /// - Parameter path: names the file in errors.
  /// - Throws: `ScoreModelError` for what is no such network.
  init(parsing data: Data, path: String) throws(ScoreModelError) {
    let reader = Reader()
    let parser = XMLParser(data: data)
    parser.delegate = reader
    guard parser.parse(), parser.parserError == nil, reader.isNetwork, !reader.isDamaged else {
      throw ScoreModelError(
        .badData, "\(path): is no network in OpenVINO's format, or is cut short or damaged; export or copy it again")
    }
    (parameterCount, weightBytes) = (reader.parameterCount, reader.weightBytes)
  }

  private final class Reader: NSObject, XMLParserDelegate {
    var (isNetwork, isDamaged, isConstant) = (false, false, false)
    var (parameterCount, weightBytes) = (0, 0)

    func parser(
      _ parser: XMLParser, didStartElement element: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      switch element {
      case "net": isNetwork = true
      case "layer": isConstant = attributes["type"] == "Const"
      case "data" where isConstant: read(attributes)
      default: break
      }
    }

    private func read(_ attributes: [String: String]) {
      let lengths = (attributes["shape"] ?? "").split(separator: ",").map { Int($0.trimmingCharacters(in: .whitespaces)) }
      guard let offset = attributes["offset"].flatMap({ Int($0) }), let size = attributes["size"].flatMap({ Int($0) }),
        offset >= 0, size >= 0, lengths.allSatisfy({ $0 ?? -1 >= 0 })
      else {
        isDamaged = true
        return
      }
      var product = (partialValue: 1, overflow: false)
      for length in lengths where !product.overflow {
        product = product.partialValue.multipliedReportingOverflow(by: length ?? 0)
      }
      let sum = parameterCount.addingReportingOverflow(product.partialValue)
      let end = offset.addingReportingOverflow(size)
      isDamaged = isDamaged || product.overflow || sum.overflow || end.overflow
      (parameterCount, weightBytes) = (sum.partialValue, max(weightBytes, end.partialValue))
    }
  }
}
