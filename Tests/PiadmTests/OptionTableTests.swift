import Foundation
import Launching
import Results
import Testing

/// One table of options, and the texts that follow it.
@Suite struct OptionTableTests {
  private func names(in text: some StringProtocol) -> Set<String> {
    Set(String(text).matches(of: #/--[a-z][a-z0-9-]*/#).map { String($0.0) })
  }

  @Test("the table has the options of piadm sample, and no others")
  func help() throws {
    let folder = try #require(Bundle.module.resourceURL)
    let help = try String(contentsOf: folder.appending(path: "Help/sample.txt"), encoding: .utf8)
    let options = Set(help.matches(of: #/(?m)^  (--[a-z][a-z0-9-]*)/#).map { String($0.1) })
    #expect(options.subtracting(["--version"]) == Set(RunOption.allCases.map(\.typed)))
  }

  @Test("the documentation lists the options that decide the bits, and no others")
  func article() throws {
    let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Sources")
    let text = try String(
      contentsOf: sources.appending(path: "piadm/piadm.docc/RanksAndReproducibility.md"), encoding: .utf8)
    let section = try #require(text.firstMatch(of: #/(?s)### What the bits depend on\n(.*?)\n### /#)?.1)
    let deciding = RunOption.allCases.filter { $0.effect != .none }
    #expect(names(in: section) == Set(deciding.map(\.typed)))
  }

  @Test("parameters of the libraries are named as the options that set them")
  func parameters() {
    #expect("`noiseLevel` must be from 0 to 1".namingOptions == "--noise-level must be from 0 to 1")
    #expect("`sampleShape` 3,4 does not fit".namingOptions == "--shape 3,4 does not fit")
    #expect("give it with `conditionNull` or `condition`".namingOptions == "give it with --condition-null or --condition")
    #expect("`piadm sample` and `unknownWord` stay".namingOptions == "`piadm sample` and `unknownWord` stay")
  }
}
