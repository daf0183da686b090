import ArgumentParser
import Foundation
import MPI
import Results

struct Cite: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print BibTeX of the methods that a run has used.",
    discussion: """
      Reads the run's report:
        piadm sample digits --method ddim --report report.json
        piadm cite report.json > methods.bib
      """)

  @Argument(help: ArgumentHelp("The report of a run.", valueName: "report.json"))
  var report: String

  mutating func run() throws {
    do {
      try write(RunMethods(contentsOf: report).bibliography)
    } catch {
      let failure = Failure.report(error)
      FileHandle.standardError.write(Data((failure.message + "\n").utf8))
      throw ExitCode(failure.exitCode)
    }
  }
}

/// The methods of a run, as its report tells them.
struct RunMethods: Decodable {
  struct Versions: Decodable {
    let piadm: String
    let openvino: String
  }
  let method: String
  let options: [String: OptionValue]
  let versions: Versions

  /// - Throws: `MissingFile`, or `BadData` where it is no report.
  init(contentsOf path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw MissingFile("\(path): there is no such file; `piadm sample --report \(path)` writes one")
    }
    do {
      self = try JSONDecoder().decode(RunMethods.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    } catch is DecodingError {
      throw BadData("\(path): is no report of piadm; `piadm sample --report FILE.json` writes one")
    } catch {
      throw BadData("\(path): cannot be read: \(error.localizedDescription)")
    }
  }

  /// BibTeX, each entry under a line that says what it stands for.
  var bibliography: String {
    references.map { "% \($0.use)\n\($0.entry)\n" }.joined(separator: "\n")
  }

  private func text(_ option: String) -> String? {
    if case .text(let text) = options[option] { return text }
    return nil
  }

  private func isOn(_ option: String) -> Bool {
    switch options[option] {
    case nil, .some(.none): false
    case .number(let value): value != 0
    case .integer(let value): value != 0
    default: true
    }
  }

  private var references: [(use: String, entry: String)] {
    var list: [(String, String)] = []
    if text("solver") != "sequential" {
      list.append(("Sampling in parallel over time by Picard iterations", Literature.piadm))
    }
    switch method {
    case "ddpm": list.append(("The sampler", Literature.ddpm))
    case "ddim": list.append(("The sampler", Literature.ddim))
    case _ where method.hasPrefix("dpm++"): list.append(("The sampler", Literature.dpmSolver))
    case "heun", "heun-flow": list.append(("The sampler", Literature.karras))
    case _ where SamplerLiterature.entry(of: method) != nil:
      list.append(("The sampler", SamplerLiterature.entry(of: method) ?? ""))
    default: list.append(("Score-based sampling by stochastic differential equations", Literature.scoreSDE))
    }
    if text("linearization") == "increment" {
      list.append(("Picard iteration of the increments", Literature.paradigms))
    } else if isOn("window") {
      list.append(("The sliding window", Literature.paradigms))
    }
    if text("linearization") == "elementwise" {
      list.append(("Newton-type iteration with a diagonal Jacobian", Literature.quasiDEER))
    }
    if isOn("anderson") { list.append(("Triangular Anderson acceleration", Literature.parataa)) }
    if text("grid") == "karras" { list.append(("The time grid", Literature.karras)) }
    if isOn("churn") { list.append(("Noise before every step (churn)", Literature.karras)) }
    if isOn("langevin-steps") { list.append(("Predictor-corrector sampling", Literature.scoreSDE)) }
    if isOn("guidance") { list.append(("Classifier-free guidance", Literature.guidance)) }
    list.append(("Random numbers", Literature.random123))
    list.append(("The program", Literature.program(version: versions.piadm)))
    if versions.openvino != "none" { list.append(("Evaluation of the network", Literature.openvino(version: versions.openvino))) }
    return list
  }
}

/// BibTeX entries of the methods that `piadm` knows.
private enum Literature {
  static let piadm = """
    @inproceedings{chen2024piadm,
      title     = {Accelerating Diffusion Models with Parallel Sampling: Inference at Sub-Linear Time Complexity},
      author    = {Chen, Haoxuan and Ren, Yinuo and Ying, Lexing and Rotskoff, Grant M.},
      booktitle = {Advances in Neural Information Processing Systems},
      volume    = {37},
      year      = {2024},
      eprint    = {2405.15986},
      archivePrefix = {arXiv}
    }
    """
  static let ddpm = """
    @inproceedings{ho2020ddpm,
      title     = {Denoising Diffusion Probabilistic Models},
      author    = {Ho, Jonathan and Jain, Ajay and Abbeel, Pieter},
      booktitle = {Advances in Neural Information Processing Systems},
      volume    = {33},
      year      = {2020},
      eprint    = {2006.11239},
      archivePrefix = {arXiv}
    }
    """
  static let ddim = """
    @inproceedings{song2021ddim,
      title     = {Denoising Diffusion Implicit Models},
      author    = {Song, Jiaming and Meng, Chenlin and Ermon, Stefano},
      booktitle = {International Conference on Learning Representations},
      year      = {2021},
      eprint    = {2010.02502},
      archivePrefix = {arXiv}
    }
    """
  static let dpmSolver = """
    @misc{lu2022dpmsolverpp,
      title  = {{DPM-Solver++}: Fast Solver for Guided Sampling of Diffusion Probabilistic Models},
      author = {Lu, Cheng and Zhou, Yuhao and Bao, Fan and Chen, Jianfei and Li, Chongxuan and Zhu, Jun},
      year   = {2022},
      eprint = {2211.01095},
      archivePrefix = {arXiv}
    }
    """
  static let scoreSDE = """
    @inproceedings{song2021sde,
      title     = {Score-Based Generative Modeling through Stochastic Differential Equations},
      author    = {Song, Yang and Sohl-Dickstein, Jascha and Kingma, Diederik P. and Kumar, Abhishek and Ermon, Stefano and Poole, Ben},
      booktitle = {International Conference on Learning Representations},
      year      = {2021},
      eprint    = {2011.13456},
      archivePrefix = {arXiv}
    }
    """
  static let paradigms = """
    @inproceedings{shih2023paradigms,
      title     = {Parallel Sampling of Diffusion Models},
      author    = {Shih, Andy and Belkhale, Suneel and Ermon, Stefano and Sadigh, Dorsa and Anari, Nima},
      booktitle = {Advances in Neural Information Processing Systems},
      volume    = {36},
      year      = {2023},
      eprint    = {2305.16317},
      archivePrefix = {arXiv}
    }
    """
  static let parataa = """
    @inproceedings{tang2024parataa,
      title     = {Accelerating Parallel Sampling of Diffusion Models},
      author    = {Tang, Zhiwei and Tang, Jiasheng and Luo, Hao and Wang, Fan and Chang, Tsung-Hui},
      booktitle = {International Conference on Machine Learning},
      year      = {2024},
      eprint    = {2402.09970},
      archivePrefix = {arXiv}
    }
    """
  static let quasiDEER = """
    @inproceedings{gonzalez2024elk,
      title     = {Towards Scalable and Stable Parallelization of Nonlinear {RNN}s},
      author    = {Gonzalez, Xavier and Warrington, Andrew and Smith, Jimmy T. H. and Linderman, Scott W.},
      booktitle = {Advances in Neural Information Processing Systems},
      volume    = {37},
      year      = {2024},
      eprint    = {2407.19115},
      archivePrefix = {arXiv}
    }
    """
  static let karras = """
    @inproceedings{karras2022edm,
      title     = {Elucidating the Design Space of Diffusion-Based Generative Models},
      author    = {Karras, Tero and Aittala, Miika and Aila, Timo and Laine, Samuli},
      booktitle = {Advances in Neural Information Processing Systems},
      volume    = {35},
      year      = {2022},
      eprint    = {2206.00364},
      archivePrefix = {arXiv}
    }
    """
  static let guidance = """
    @misc{ho2022guidance,
      title  = {Classifier-Free Diffusion Guidance},
      author = {Ho, Jonathan and Salimans, Tim},
      year   = {2022},
      eprint = {2207.12598},
      archivePrefix = {arXiv}
    }
    """
  static let random123 = """
    @inproceedings{salmon2011random123,
      title     = {Parallel Random Numbers: As Easy as 1, 2, 3},
      author    = {Salmon, John K. and Moraes, Mark A. and Dror, Ron O. and Shaw, David E.},
      booktitle = {Proceedings of the International Conference for High Performance Computing, Networking, Storage and Analysis},
      year      = {2011},
      doi       = {10.1145/2063384.2063405}
    }
    """

  static func program(version: String) -> String {
    """
    @software{piadm,
      title   = {piadm: sampling diffusion models in parallel over time},
      version = {\(version)}
    }
    """
  }

  static func openvino(version: String) -> String {
    """
    @software{openvino,
      title   = {{OpenVINO} Toolkit},
      author  = {{Intel Corporation}},
      version = {\(version.split(separator: "-").first.map(String.init) ?? version)}
    }
    """
  }
}
