import ArgumentParser
import Results

/// What a run leaves to look at, and for other programs.
struct PictureOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The run in one picture, PNG or SVG: change of every slice, where the time went, samples.", valueName: "file"))
  var plot: String?

  @Option(help: ArgumentHelp("A timeline of all ranks; ui.perfetto.dev opens it.", valueName: "file.json"))
  var trace: String?

  @Option(name: .customLong("hdf5"), help: ArgumentHelp("Samples, grid and changes in one HDF5 file. Needs the HDF5 library.", valueName: "file.h5"))
  var hdf5: String?

  var files: [String] { [plot, trace, hdf5].compactMap { $0 } }

  func validate() throws {
    guard !files.contains("") else { throw ValidationError("an output file needs a name") }
    if let plot, PictureFile(plot) == nil {
      throw ValidationError("--plot \(plot): name a file that ends in .png or .svg")
    }
  }
}
