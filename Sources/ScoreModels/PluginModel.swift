import CScorePlugin
public import Diffusion
import Foundation
public import InputFiles

/// A model in a shared library behind the C header `piadm_score.h`.
///
/// Plug-ins compute in double precision; states in single precision are
/// widened on the way in and predictions rounded on the way out.
///
/// One object serves one thread at a time.
public final class PluginModel<Scalar: StateScalar>: ScoreModel {
  public let shape: [Int]
  public let parametrization: Parametrization
  public let schedule: (any NoiseSchedule)?
  public let bound: EstimateBound?
  public let ownMethod: OwnMethod?
  /// The shared library.
  public let file: String

  private let plugin: score_plugin
  private let handle: OpaquePointer
  private var alpha: [Double] = []
  private var sigma: [Double] = []
  private var wideStates: [Double] = []
  private var wideOutput: [Double] = []

  /// Loads the library and makes its model.
  ///
  /// - Parameters:
  ///   - file: the shared library.
  ///   - configuration: text for the plug-in, whose meaning is its own. Words in it that
  ///     are the names of files are taken for files that the plug-in reads.
  ///   - files: records what is read.
  /// - Throws: `ScoreModelError` for a library that is missing, cannot be
  ///   loaded, lacks a function, was written for another version of the
  ///   header, makes no model, or states no valid shape or prediction.
  public init(file: String, configuration: String = "", files: InputFiles = InputFiles()) throws {
    self.file = file
    try ModelSource.record(file, configuration, in: files)
    plugin = try Self.load(file)
    guard let handle = plugin.create(configuration) else {
      let reason = Self.lastError(plugin, nil)
      throw ScoreModelError(
        .badData, "\(file): the plug-in makes no model of the configuration '\(configuration)': \(reason)")
    }
    do {
      shape = try Self.shape(plugin, handle, file)
      let convention = try Self.convention(plugin, handle, file)
      parametrization = try convention?.parametrization ?? Self.parametrization(plugin, handle, file)
      schedule = convention?.schedule
      bound = convention?.bound
      ownMethod = convention?.ownMethod
    } catch {
      plugin.destroy(handle)
      throw error
    }
    self.handle = handle
  }

  deinit { plugin.destroy(handle) }

  public func predict(
    _ states: Span<Scalar>, at times: Span<NoiseTime>, into output: inout MutableSpan<Scalar>
  ) throws {
    let rows = times.count
    guard rows > 0 else { return }
    precondition(states.count == rows * dimension && output.count == rows * dimension)
    if alpha.count < rows {
      alpha = [Double](repeating: 0, count: rows)
      sigma = alpha
      wideStates = [Double](repeating: 0, count: rows * dimension)
      wideOutput = wideStates
    }
    for row in 0..<rows { (alpha[row], sigma[row]) = (times[row].alpha, times[row].sigma) }
    for index in 0..<states.count {
      wideStates[index] = Double(states[index])
      // Shows what the plug-in leaves unset.
      wideOutput[index] = .nan
    }
    guard plugin.evaluate(handle, Int64(rows), alpha, sigma, wideStates, &wideOutput) == 0 else {
      throw ScoreModelError(.evaluation, "\(file): the plug-in failed: \(Self.lastError(plugin, handle))")
    }
    for row in 0..<rows {
      let elements = (row * dimension)..<((row + 1) * dimension)
      guard wideOutput[elements].allSatisfy(\.isFinite) || !wideStates[elements].allSatisfy(\.isFinite) else {
        throw ScoreModelError(
          .badData,
          """
          \(file): the plug-in returned a number that is not finite, or left one unset, for a finite state at \
          noise time \(times[row].s) (alpha \(times[row].alpha), sigma \(times[row].sigma)); \
          piadm_score_evaluate must set all rows x dimension numbers
          """)
      }
    }
    for index in 0..<states.count { output[index] = Scalar(wideOutput[index]) }
  }

  private static func load(_ file: String) throws -> score_plugin {
    var reason = [CChar](repeating: 0, count: 1024)
    // A path without a slash would be looked up in the loader's folders.
    let path = URL(fileURLWithPath: file).path
    guard let plugin = score_plugin_load(path, &reason, reason.count)?.pointee else {
      let text = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let isMissingLibrary = text.contains("cannot open shared object file")
      throw ScoreModelError(
        isMissingLibrary ? .missingLibrary : .badData,
        "\(file): cannot be used as a plug-in: \(text); "
          + (isMissingLibrary
            ? "install that library, or name its folder in LD_LIBRARY_PATH"
            : "a shared library with the functions of piadm_score.h is needed"))
    }
    let version = plugin.version()
    guard version == PIADM_SCORE_VERSION else {
      throw ScoreModelError(
        .badData,
        "\(file): the plug-in is of version \(version), this program of version \(PIADM_SCORE_VERSION) of "
          + "piadm_score.h; build the plug-in with this program's header")
    }
    return plugin
  }

  private static func shape(_ plugin: score_plugin, _ handle: OpaquePointer, _ file: String) throws -> [Int] {
    let dimension = plugin.dimension(handle)
    guard dimension > 0, dimension <= 1 << 40 else {
      throw ScoreModelError(.badData, "\(file): piadm_score_dimension returned \(dimension); 1 to 2^40 is needed")
    }
    guard let shapeFunction = plugin.shape else { return [Int(dimension)] }
    var lengths = [Int64](repeating: 0, count: Int(PIADM_SCORE_MAX_RANK))
    let rank = shapeFunction(handle, &lengths)
    guard rank > 0, rank <= PIADM_SCORE_MAX_RANK else {
      throw ScoreModelError(
        .badData, "\(file): piadm_score_shape returned \(rank) axes; 1 to \(PIADM_SCORE_MAX_RANK) are needed")
    }
    let shape = lengths.prefix(Int(rank)).map { Int($0) }
    var product = 1
    for length in shape where product > 0 {
      // A product that overflows is no dimension either.
      product = length > 0 ? product.multipliedReportingOverflow(by: length).partialValue : 0
    }
    guard product == Int(dimension), shape.allSatisfy({ $0 > 0 && $0 <= Int(dimension) }) else {
      throw ScoreModelError(
        .badData, "\(file): piadm_score_shape returned \(shape), whose product is not the dimension \(dimension)")
    }
    return shape
  }

  private static func parametrization(
    _ plugin: score_plugin, _ handle: OpaquePointer, _ file: String
  ) throws -> Parametrization {
    let all: [Parametrization] = [.score, .noise, .velocity, .sample, .denoiser, .flow(isNegated: false)]
    let kind = plugin.prediction.map { $0(handle) } ?? 0
    guard let index = Int(exactly: kind), all.indices.contains(index) else {
      throw ScoreModelError(
        .badData, "\(file): piadm_score_prediction returned \(kind); one of PIADM_PREDICTS_..., 0 to 5, is needed")
    }
    return all[index]
  }

  /// What the plug-in states as a `piadm.json`; `nil` where it states nothing.
  private static func convention(
    _ plugin: score_plugin, _ handle: OpaquePointer, _ file: String
  ) throws -> NetworkConvention? {
    guard let text = plugin.convention?(handle) else { return nil }
    var object = try JSONObject(
      parsing: Data(String(cString: text).utf8), file: "\(file): piadm_score_convention")
    let convention = try NetworkConvention(stated: &object, isEvaluatedByTime: false)
    try object.refuseOtherKeys()
    guard convention.channels == nil else {
      throw ScoreModelError(
        .badData, "\(file): piadm_score_convention: \"sigma_data\" has a number a channel; a plug-in returns the denoiser then")
    }
    return convention
  }

  private static func lastError(_ plugin: score_plugin, _ handle: OpaquePointer?) -> String {
    let text = plugin.last_error(handle).map { String(cString: $0) } ?? ""
    return text.isEmpty ? "it does not say why" : text.replacing("\n", with: " ")
  }
}
