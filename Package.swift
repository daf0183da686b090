// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

// The MPI library to build for: "ompi-c" (Open MPI) or "mpich". Use another
// scratch path for each, since the imported C module is cached there.
let mpi = Context.environment["MPI_PKG_CONFIG"] ?? "ompi-c"

// The examples of the MPI library's documentation, run by its tests.
let mpiExamples = [
  "MPIRing", "MPIHalo", "MPIParallelFile", "MPIDotProduct", "MPIPipeline", "MPIFourier", "MPIPlate",
]

let package = Package(
  name: "piadm",
  products: [
    .executable(name: "piadm", targets: ["piadm"]),
    .library(name: "MPI", targets: ["MPI"]),
    .library(name: "Diffusion", targets: ["Diffusion"]),
    .library(name: "PicardSampler", targets: ["PicardSampler"]),
    .library(name: "PicardSamplerMPI", targets: ["PicardSamplerMPI"]),
    .library(name: "ScoreModels", targets: ["ScoreModels"]),
  ],
  // Whoever uses a library of this package asks for it with `traits: []`, and is
  // spared what only the program needs.
  traits: [
    .trait(name: "Program", description: "The program piadm, which parses arguments."),
    .default(enabledTraits: ["Program"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    .systemLibrary(name: "CMPI", pkgConfig: mpi, providers: [.apt([mpi == "mpich" ? "libmpich-dev" : "libopenmpi-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CRandom123", providers: [.apt(["librandom123-dev"])]),
    .target(name: "CNormals", dependencies: ["CRandom123"]),
    .target(name: "COpenVINO"),
    .target(name: "CScorePlugin"),

    .target(
      name: "MPI", dependencies: ["CMPI"],
      swiftSettings: swiftSettings + [.enableExperimentalFeature("Lifetimes")]),
    .target(name: "InputFiles", dependencies: ["CCrypto"], swiftSettings: swiftSettings),
    .target(name: "NumPyFormat", dependencies: ["InputFiles"], swiftSettings: swiftSettings),
    .target(name: "Diffusion", dependencies: ["CNormals", "CRandom123"], swiftSettings: swiftSettings),
    .target(name: "PicardSampler", dependencies: ["Diffusion"], swiftSettings: swiftSettings),
    .target(name: "PicardSamplerMPI", dependencies: ["MPI", "PicardSampler"], swiftSettings: swiftSettings),
    .target(
      name: "Planning", dependencies: ["Diffusion", "MPI", "PicardSampler", "PicardSamplerMPI"],
      swiftSettings: swiftSettings),
    .target(
      name: "ScoreModels", dependencies: ["Diffusion", "InputFiles", "NumPyFormat", "COpenVINO", "CScorePlugin"],
      resources: [.copy("Models")], swiftSettings: swiftSettings),
    .target(name: "Drawing", dependencies: ["CPNG"], swiftSettings: swiftSettings),
    .target(
      name: "Results",
      dependencies: ["MPI", "InputFiles", "NumPyFormat", "Drawing", "PicardSampler"],
      swiftSettings: swiftSettings),
    .target(name: "CMPIBench", dependencies: ["CMPI"]),
    .executableTarget(
      name: "piadm",
      dependencies: [
        "MPI", "CMPIBench", "PicardSamplerMPI", "Diffusion", "PicardSampler", "Planning", "ScoreModels", "Results",
        "InputFiles", "NumPyFormat",
        .product(
          name: "ArgumentParser", package: "swift-argument-parser",
          condition: .when(traits: ["Program"])),
      ],
      swiftSettings: swiftSettings),

    .executableTarget(
      name: "MPIChecks", dependencies: ["MPI"], path: "Tests/Programs/MPIChecks",
      swiftSettings: swiftSettings),
    .target(name: "CMPIAllocations", dependencies: ["CMPI"], path: "Tests/Programs/CMPIAllocations"),
    .executableTarget(
      name: "MPIAllocations", dependencies: ["MPI", "CMPIAllocations", "CMPIBench"],
      path: "Tests/Programs/MPIAllocations", swiftSettings: swiftSettings),
    .target(
      name: "Launching", dependencies: ["MPI"], path: "Tests/Launching",
      swiftSettings: swiftSettings),
    .testTarget(
      name: "MPITests",
      dependencies: ["MPI", "MPIChecks", "MPIAllocations", "Launching"] + mpiExamples.map { .target(name: $0) },
      swiftSettings: swiftSettings),
    .testTarget(
      name: "PiadmTests",
      dependencies: [
        "piadm", "ReadmeExample", "ReadersUnderFuzz", "Launching", "InputFiles", "NumPyFormat", "Results",
      ],
      resources: [.copy("Help"), .copy("Diffusers"), .copy("Latents")], swiftSettings: swiftSettings),
    .testTarget(name: "DrawingTests", dependencies: ["Drawing"], swiftSettings: swiftSettings),
    .testTarget(name: "DiffusionTests", dependencies: ["Diffusion"], swiftSettings: swiftSettings),
    .testTarget(
      name: "PicardSamplerTests", dependencies: ["PicardSampler", "Diffusion"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "PlanningTests", dependencies: ["Planning", "PicardSampler", "Diffusion"],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "ReadmeExample", dependencies: ["Diffusion", "MPI", "PicardSampler", "PicardSamplerMPI"],
      path: "Tests/Programs/ReadmeExample", swiftSettings: swiftSettings),
    .testTarget(name: "NumPyFormatTests", dependencies: ["NumPyFormat"], swiftSettings: swiftSettings),
    .executableTarget(
      name: "ReadersUnderFuzz",
      dependencies: ["Diffusion", "InputFiles", "MPI", "NumPyFormat", "PicardSampler", "Results", "ScoreModels"],
      path: "Tests/Fuzzing/Readers", swiftSettings: swiftSettings),
    .executableTarget(
      name: "WriteSamples", dependencies: ["MPI", "Results"], path: "Tests/Programs/WriteSamples",
      swiftSettings: swiftSettings),
    .testTarget(
      name: "ResultsTests",
      dependencies: ["Results", "InputFiles", "NumPyFormat", "Drawing", "PicardSampler", "CPNG", "WriteSamples"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "ScoreModelsTests", dependencies: ["ScoreModels", "Diffusion", "PicardSampler", "InputFiles", "NumPyFormat"],
      resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
  ]
    + mpiExamples.map {
      .executableTarget(
        name: $0, dependencies: ["MPI"], path: "Tests/Programs/\($0)", swiftSettings: swiftSettings)
    }
)
