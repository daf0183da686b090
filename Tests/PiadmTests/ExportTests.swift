import Foundation
import Launching
import NumPyFormat
import Testing

/// The Python interpreter that has frameworks to export from: that of the
/// environment variable `PYTHON`, or of the checkout's `.venv`.
private let python = ProcessInfo.processInfo.environment["PYTHON"] ?? top + "/.venv/bin/python"

private let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path

/// Runs a test where the interpreter has these modules; else names them as the
/// reason why it is skipped.
private func needs(_ modules: String...) -> ConditionTrait {
  let search = "import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))"
  return .enabled(
    "skipped without \(modules.joined(separator: ", ")): pip install -r jobs/export/requirements.txt, or name an interpreter in PYTHON"
  ) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [python, "-c", search] + modules
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}

extension CommandLineTests {
  /// The recipes of `jobs/export`: what they write is inspected and sampled.
  /// They compare it with what the framework computes themselves.
  @Suite struct Exports {
    private func check(_ recipe: String, shape: [Int]) throws {
      let place = try Workplace()
      let export = try place.run(
        [], script: "JAX_PLATFORMS=cpu OMP_NUM_THREADS=1 '\(python)' '\(top)/jobs/export/\(recipe)' model")
      try #require(export.exitCode == 0, "\(export.standardError)")
      let inspection = try place.run(["inspect", "model"])
      #expect(inspection.exitCode == 0, "\(inspection.standardError)")
      #expect(inspection.standardOutput.hasSuffix("status: usable\n"))
      _ = try place.digest(["model", "--method", "ddim", "--steps", "10", "--samples", "3"], ranks: 2)
      let samples = try place.array("samples.npy")
      #expect(samples.shape == [3] + shape)
      #expect(samples.doubles.allSatisfy { $0.isFinite })
    }

    @Test("a PyTorch module is exported, inspected and sampled", needs("torch", "onnx", "onnxruntime"))
    func pytorch() throws { try check("from-pytorch.py", shape: [256]) }

    @Test("a diffusers pipeline is exported, inspected and sampled", needs("torch", "diffusers", "onnx", "onnxruntime"))
    func diffusers() throws { try check("from-diffusers.py", shape: [1, 8, 8]) }

    @Test("a JAX function is exported, inspected and sampled", needs("jax", "jax2onnx", "onnxruntime"))
    func jax() throws { try check("from-jax.py", shape: [32]) }
  }
}
