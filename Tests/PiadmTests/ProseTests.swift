import Foundation
import Testing

/// Words that readers of the documentation had to read twice, and sentences that were made
/// around them.
@Suite struct ProseTests {
  private static let words = [
    "anew", "afresh", "left away", "be it", "comes? to rest", "came to rest", "at rest", "is told of", "so many of",
    "varied is", "has been told", "pass(es)? over",
  ]

  private let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// README, articles, job files' and installation's pages, and the stored help.
  private var pages: [URL] {
    get throws {
      var pages = [top.appending(path: "README.md"), top.appending(path: "jobs/README.md"), top.appending(path: "cmake/README.md")]
      for folder in ["Sources", "Tests/PiadmTests/Help"] {
        let files = try #require(FileManager.default.enumerator(at: top.appending(path: folder), includingPropertiesForKeys: nil))
        for case let file as URL in files where ["md", "txt"].contains(file.pathExtension) { pages.append(file) }
      }
      return pages
    }
  }

  @Test("pages for users have none of the words")
  func words() throws {
    let pattern = try Regex("\\b(" + Self.words.joined(separator: "|") + ")\\b").ignoresCase()
    let pages = try pages
    try #require(pages.count > 20)
    for page in pages {
      for (number, line) in try String(contentsOf: page, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        #expect(line.firstMatch(of: pattern) == nil, "\(page.lastPathComponent):\(number + 1): \(line)")
      }
    }
    #expect("starts afresh".firstMatch(of: pattern) != nil && "a best item".firstMatch(of: pattern) == nil)
  }
}
