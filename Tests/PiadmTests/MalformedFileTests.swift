import Foundation
import Launching
import NumPyFormat
import Testing

/// A `.npy` file with this header and so many zeros.
private func array(_ header: String, zeros: Int = 40, version: UInt8 = 1) -> [UInt8] {
  let text = Array(header.utf8) + [UInt8(ascii: "\n")]
  return [0x93] + Array("NUMPY".utf8) + [version, 0, UInt8(text.count), 0] + text
    + [UInt8](repeating: 0, count: zeros)
}

private func header(_ type: String = "'<f8'", order: String = "False", shape: String = "(1, 5)") -> String {
  "{'descr': \(type), 'fortran_order': \(order), 'shape': \(shape)}"
}

/// A file's bytes, and words of the message that refuses it.
struct MalformedFile: Sendable, CustomTestStringConvertible {
  let bytes: [UInt8]
  let words: [String]

  init(_ text: String, _ words: String...) { (bytes, self.words) = (Array(text.utf8), words) }
  init(bytes: [UInt8], _ words: String...) { (self.bytes, self.words) = (bytes, words) }

  var testDescription: String { words.joined(separator: ", ") }
}

extension CommandLineTests {
  /// Files that are not what they should be: each is refused with the exit code
  /// of its kind and one message that names the file and what is wrong.
  @Suite struct MalformedFiles {
    @Test(
      "an array that is none, or of something else",
      arguments: [
        MalformedFile("1 2 3", "not a .npy file"), MalformedFile("", "not a .npy file"),
        MalformedFile(bytes: [0x93], "not a .npy file"),
        MalformedFile(bytes: array(header(), version: 9), "version 9.0 is unknown"),
        MalformedFile(bytes: Array(array(header()).prefix(30)), "ends within its .npy header"),
        MalformedFile(bytes: [0x93] + Array("NUMPY".utf8) + [1, 0, 0xff, 0xff, 0x7b], "ends within its .npy header"),
        MalformedFile(bytes: array(header("'|O'")), "'|O'"), MalformedFile(bytes: array(header("'<c16'")), "'<c16'"),
        MalformedFile(bytes: array(header("'<U5'")), "'<U5'"), MalformedFile(bytes: array(header("[('a', '<f8')]")), "records"),
        MalformedFile(bytes: array(header(shape: "(-1, 5)")), "'shape'"),
        MalformedFile(bytes: array(header(shape: "(4294967296, 4294967296)")), "more than 2^63 bytes"),
        MalformedFile(bytes: array(header(shape: "(99999999999999999999,)")), "x.npy"),
        MalformedFile(bytes: array(header(), zeros: 39), "takes 40 bytes, but 39"),
        MalformedFile(bytes: array(header(), zeros: 41), "takes 40 bytes, but 41"),
        MalformedFile(bytes: array(header(order: "7")), "'fortran_order'"),
        MalformedFile(bytes: array("{'descr': '<f8'}"), "must have the keys"), MalformedFile(bytes: array("[1, 2]"), "lacks '{'"),
        MalformedFile(bytes: array("{'descr': '<f8', 'fortran_order': False, 'shape': (5,), 'shape': (5,)}"), "'shape' twice"),
        MalformedFile(bytes: array("{'order': 1}"), "'order'"),
        MalformedFile(bytes: array(header(shape: "(5,)")), "--initial x.npy", "[1, 5], not [5]"),
      ])
    func arrays(_ file: MalformedFile) throws { try refuse(file, as: "x.npy", ["mixture.json", "--initial", "x.npy"]) }

    @Test(
      "a target that is none, or of impossible numbers",
      arguments: [
        MalformedFile(#"{"target": "gaussian-mixture", "means": [[0], [1]], "variance": 1, "weights": [-1, 2]}"#, "positive weight"),
        MalformedFile(#"{"target": "gaussian-mixture", "means": [[0], [1]], "variance": 1, "weights": [0, 0]}"#, "positive weight"),
        MalformedFile(#"{"target": "gaussian-mixture", "means": [[0], [1]], "variance": 1, "weights": [1]}"#, "weights"),
        MalformedFile(#"{"target": "gaussian-mixture", "means": [[0], [1, 2]], "variance": 1}"#, "means[1]"),
        MalformedFile(#"{"target": "gaussian-mixture", "means": [], "variance": 1}"#, "means"),
        MalformedFile(#"{"target": "gaussian-mixture", "means": [[]], "variance": 1}"#, "mean"),
        MalformedFile(#"{"target": "gaussian-mixture", "means": [[0]], "variance": 0}"#, "variance"),
        MalformedFile(#"{"target": "gaussian-mixture", "means": [[0]], "variance": "x"}"#, "variance"),
        MalformedFile(#"{"target": "gaussian", "dimension": 2, "mean": 1e400, "variances": 1}"#, "x.json"),
        MalformedFile(#"{"target": "gaussian", "dimension": 2, "mean": NaN, "variances": 1}"#, "mean"),
        MalformedFile(#"{"target": "gaussian", "dimension": 0, "mean": 0, "variances": 1}"#, "dimension"),
        MalformedFile(#"{"target": "gaussian", "dimension": -1, "mean": 0, "variances": 1}"#, "dimension"),
        MalformedFile(#"{"target": "gaussian", "dimension": 1.5, "mean": 0, "variances": 1}"#, "dimension"),
        MalformedFile(#"{"target": 7}"#, "target"), MalformedFile("{}", "target"), MalformedFile("null", "object"),
        MalformedFile(#"{"target": "gaussian", "dimension": 2, "mean": 0, "variances": 1} x"#, "JSON"),
        MalformedFile(String(repeating: "[", count: 100_000), "nested"),
        MalformedFile(bytes: Array(#"{"target": ""#.utf8) + [0xff, 0xfe] + Array(#""}"#.utf8), "UTF-8"),
      ])
    func targets(_ file: MalformedFile) throws { try refuse(file, as: "x.json", ["x.json"]) }

    @Test(
      "a checkpoint that is none",
      arguments: [
        MalformedFile("", "too short"), MalformedFile("hello", "too short"),
        MalformedFile("piadm checkpoint 9\n" + String(repeating: "0", count: 80), "of this version"),
        MalformedFile(bytes: Array("piadm checkpoint 4\n".utf8) + [UInt8](repeating: 0xff, count: 80), "cut short or damaged"),
        MalformedFile(bytes: Array("piadm checkpoint 4\n".utf8) + [UInt8](repeating: 0, count: 80), "checksum"),
      ])
    func checkpoints(_ file: MalformedFile) throws {
      try refuse(file, as: "checkpoint", ["mixture.json", "--checkpoint", ".", "--resume"])
    }

    @Test("a folder, a pipe and a device are no input, and keep no run waiting")
    func notFiles() throws {
      let place = try Workplace()
      _ = try place.run([], script: "mkfifo pipe.npy pipe.json checkpoint; mkdir folder.npy; touch text.so")
      let refusals: [([String], Int32, String)] = [
        (["mixture.json", "--initial", "pipe.npy"], 65, "pipe.npy"), (["pipe.json"], 65, "pipe.json"),
        (["mixture.json", "--times", "folder.npy"], 65, "folder.npy"),
        (["mixture.json", "--checkpoint", ".", "--resume"], 74, "./checkpoint"),
        (["plugin:text.so"], 65, "text.so"), (["plugin:."], 65, "is a folder"), (["/dev/zero"], 64, "/dev/zero"),
        (["mixture.json", "--initial", "/dev/zero"], 65, "/dev/zero"),
      ]
      for (arguments, code, word) in refusals { try place.run(["sample"] + arguments).expectRefusal(code, word) }
      #expect(try !place.content.contains("samples.npy"))
    }

    private func refuse(_ file: MalformedFile, as name: String, _ arguments: [String]) throws {
      let place = try Workplace()
      try place.write(file.bytes, to: name)
      let run = try place.run(["sample", "--steps", "3"] + arguments)
      run.expectRefusal(65, name)
      for word in file.words { #expect(run.standardError.contains(word), "no '\(word)' in: \(run.standardError)") }
      #expect(try place.content == [name])
    }
  }
}
