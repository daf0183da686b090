public import Foundation
public import PicardSampler

/// The record of a run: one JSON object.
public struct Report: Codable, Hashable, Sendable {
  public enum Status: String, Codable, Hashable, Sendable {
    case completed
    case checkpointed
    case failed
  }

  /// A block of the paper, or a whole sliding window.
  public struct Block: Codable, Hashable, Sendable {
    /// The first step.
    public var first: Int
    public var steps: Int
    public var iterations: Int
    /// The largest change of a slice, over samples, in the last iteration:
    /// root mean square over the elements, in a sliding window times what it
    /// moves the last state by.
    public var change: Double

    public init(first: Int, steps: Int, iterations: Int, change: Double) {
      self.first = first
      self.steps = steps
      self.iterations = iterations
      self.change = change
    }
  }

  public struct Versions: Codable, Hashable, Sendable {
    public var piadm: String
    public var mpi: String
    /// `none` where no network was evaluated.
    public var openvino: String
    public var swift: String

    public init(piadm: String, mpi: String, openvino: String, swift: String) {
      self.piadm = piadm
      self.mpi = mpi
      self.openvino = openvino
      self.swift = swift
    }
  }

  /// What storing the state has cost.
  public struct Checkpoints: Codable, Hashable, Sendable {
    /// The round after which this run has gone on; absent where it started afresh.
    public var resumedAfterRound: Int?
    public var written = 0
    /// Bytes of the last one.
    public var bytes = 0
    /// Seconds that rank 0 spent on them.
    public var seconds = 0.0

    public init() {}
  }

  /// Where, when and from what the samples come.
  public struct Provenance: Codable, Hashable, Sendable {
    /// A file that the run has read.
    public struct File: Codable, Hashable, Sendable {
      public var path: String
      public var sha256: String

      public init(path: String, sha256: String) {
        self.path = path
        self.sha256 = sha256
      }
    }

    /// When the run began: ISO 8601, UTC.
    public var date: String
    /// The host of every rank.
    public var hosts: [String]
    /// Of rank 0's host, as its kernel names it.
    public var processor: String
    public var cLibrary: String
    /// The program and its arguments.
    public var commandLine: [String]
    public var folder: String
    public var files: [File]

    public init(
      date: Date, hosts: [String], processor: String, cLibrary: String, commandLine: [String], files: [File]
    ) {
      self.date = date.ISO8601Format()
      self.hosts = hosts
      self.processor = processor
      self.cLibrary = cLibrary
      self.commandLine = commandLine
      folder = FileManager.default.currentDirectoryPath
      self.files = files
    }
  }

  /// The groups of an ensemble.
  public struct Groups: Codable, Hashable, Sendable {
    /// Samples of a group, the last one's aside.
    public var samples: Int
    public var drawn: Int
    /// Those that were there already.
    public var found: Int

    public init(samples: Int, drawn: Int, found: Int) {
      self.samples = samples
      self.drawn = drawn
      self.found = found
    }
  }

  /// What it took to check that a row's prediction does not depend on its call: the
  /// most of any rank.
  public struct RowCheck: Codable, Hashable, Sendable {
    /// Rows that were evaluated for it before the run.
    public var rowsBefore: Int
    public var secondsBefore: Double
    /// Rows of the run that were evaluated again.
    public var rowsAgain: Int
    public var secondsAgain: Double

    public init(rowsBefore: Int, secondsBefore: Double, rowsAgain: Int, secondsAgain: Double) {
      self.rowsBefore = rowsBefore
      self.secondsBefore = secondsBefore
      self.rowsAgain = rowsAgain
      self.secondsAgain = secondsAgain
    }
  }

  public var status: Status
  public var model: String
  public var method: String
  /// Every option by its name, defaults and choices of the program resolved.
  public var options: [String: OptionValue]
  public var ranks: Int
  public var replicas: Int
  public var steps: Int
  public var samples: Int
  /// Shape of one sample.
  public var shape: [Int]
  /// Score evaluations on the critical path, the corrector's included.
  public var rounds: Int
  /// Rows handed to the model.
  public var evaluations: Int
  public var blocks: [Block]
  public var finalChange: Double
  /// Whether a row's score is the same whatever batch it is in.
  public var batchInvariant: Bool
  /// SHA-256 of the samples, as `sampleDigest` computes it.
  public var digest: String
  /// The slowest rank's, phase by phase.
  public var seconds: PhaseSeconds
  public var bytesSent: Int
  /// The largest rank's.
  public var peakMemoryBytes: Int
  public var versions: Versions
  /// What of the largest rank's memory was its alone at the end, not shared with
  /// other ranks of its host as mapped files are.
  public var privateMemoryBytes: Int?
  /// Absent where no checkpoints were asked for.
  public var checkpoints: Checkpoints?
  /// What the sequential sampler would take on the same ranks, the samples shared out over
  /// them, from the measured time of a call of the model.
  public var sequentialSeconds: Double?
  public var provenance: Provenance?
  /// Forward noise times of the steps, decreasing.
  public var noiseTimes: [Double]?
  /// Absent where all samples were drawn at once.
  public var groups: Groups?
  /// Absent of a run that was stopped.
  public var rowCheck: RowCheck?

  public init(
    status: Status, model: String, method: String, options: [String: OptionValue],
    ranks: Int, replicas: Int, steps: Int, samples: Int, shape: [Int],
    rounds: Int, evaluations: Int, blocks: [Block], finalChange: Double, batchInvariant: Bool,
    digest: String, seconds: PhaseSeconds, bytesSent: Int, peakMemoryBytes: Int, versions: Versions,
    privateMemoryBytes: Int? = nil, checkpoints: Checkpoints? = nil,
    sequentialSeconds: Double? = nil, rowCheck: RowCheck? = nil
  ) {
    self.status = status
    self.model = model
    self.method = method
    self.options = options
    self.ranks = ranks
    self.replicas = replicas
    self.steps = steps
    self.samples = samples
    self.shape = shape
    self.rounds = rounds
    self.evaluations = evaluations
    self.blocks = blocks
    self.finalChange = finalChange
    self.batchInvariant = batchInvariant
    self.digest = digest
    self.seconds = seconds
    self.bytesSent = bytesSent
    self.peakMemoryBytes = peakMemoryBytes
    self.versions = versions
    self.privateMemoryBytes = privateMemoryBytes
    self.checkpoints = checkpoints
    self.sequentialSeconds = sequentialSeconds
    self.rowCheck = rowCheck
  }

  /// The report as JSON, keys sorted. JSON has no infinities and no
  /// not-a-number: they are the strings `Infinity`, `-Infinity` and `NaN`.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return try encoder.encode(self) + Data("\n".utf8)
  }

  /// Writes the report, whole or not at all.
  public func write(to path: String) throws {
    try WholeFile(path).write(json())
  }
}
