/// What a run is configured by: the groups of options of `piadm sample`, whichever command has
/// read them. Everything below the commands knows a run by this.
struct RunConfiguration {
  var model: String
  var sampler: SamplerOptions
  var solver: SolverOptions
  var network: ModelOptions
  var ensemble: EnsembleOptions
  var output: OutputOptions
  var decoding: DecodeOptions
  var checkpoints: CheckpointOptions
  var shared: SharedFileOptions
  var pictures: PictureOptions
}
