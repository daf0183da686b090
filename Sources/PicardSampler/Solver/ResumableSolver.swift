public import Diffusion

/// A solver whose state between two rounds can be stored and taken up again,
/// by any number of ranks, to the same bits.
public protocol ResumableSolver<Scalar>: AnyObject {
  /// The type of the states.
  associatedtype Scalar: StateScalar

  /// Rows that this rank has handed to the model.
  var evaluations: Int { get }

  /// Evaluates some of the rows so far again, beside others, before their results are
  /// stored. Collective over this solver's ranks.
  ///
  /// - Throws: `RowDependence`; what the model throws.
  func checkRowsAgain() throws

  /// How far each of this solver's samples is. Collective over its ranks,
  /// which all get the same.
  func progress() throws -> [SampleProgress]

  /// Hands out the part of the state that this rank holds, piece by piece, in
  /// the order of their keys.
  ///
  /// To be called between two rounds. A piece is made when its turn comes, so
  /// that no more than one is in memory.
  func forEachPiece(_ body: (PieceKey, [UInt8]) throws -> Void) throws

  /// Takes a stored state up, before `run`.
  ///
  /// - Parameters:
  ///   - progress: of every sample of the run.
  ///   - piece: is asked for the pieces that this rank is to hold.
  /// - Throws: `StoredStateError` where the state is not one of this
  ///   solver's; what `piece` throws.
  func restore(_ progress: [SampleProgress], piece: (PieceKey) throws -> [UInt8]) throws

  /// Draws the samples, from the start or from the state that was restored.
  func run(observe: (RoundSummary) throws -> Void) throws -> Solution<Scalar>
}

/// Names a piece of a solver's state, whoever holds it: a chunk of a sample.
/// Of a sample that is finished, chunk 0 is its final state.
public struct PieceKey: Hashable, Comparable, Sendable, Codable {
  /// Number of the sample.
  public var sample: Int
  /// Number of the chunk within the sample's stage.
  public var chunk: Int

  /// The name of a chunk of a sample.
  public init(sample: Int, chunk: Int) {
    self.sample = sample
    self.chunk = chunk
  }

  public static func < (a: Self, b: Self) -> Bool {
    (a.sample, a.chunk) < (b.sample, b.chunk)
  }
}

/// How far a sample is between two rounds.
public struct SampleProgress: Hashable, Sendable, Codable {
  /// Number of the sample.
  public internal(set) var sample: Int
  /// The stage that is iterated; their number where the sample is finished.
  var stage: Int
  /// The active slices.
  var first: Int
  var end: Int
  /// How many slices are to be active.
  public internal(set) var size: Int
  /// The first of those that were opened last.
  var fresh: Int
  /// Rounds since slices were last opened. As all counts of rounds here no larger
  /// than that they can be added up, whatever a file says.
  var rounds: UInt32
  /// Rounds of every stage so far.
  var iterations: [UInt32]
  /// The largest change in the last round of every stage so far.
  var changes: [Double]

  /// Names in a file. What is a stage now was a segment when the first files were written.
  private enum CodingKeys: String, CodingKey {
    case sample, stage = "segment", first, end, size, fresh, rounds, iterations, changes
  }

  /// Rounds in all.
  public var round: Int { iterations.reduce(0) { $0 + Int($1) } }
}
