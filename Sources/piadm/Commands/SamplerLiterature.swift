/// BibTeX entries of samplers that came with networks' schedulers.
enum SamplerLiterature {
  /// The entry of a method; `nil` where another list has it.
  static func entry(of method: String) -> String? {
    switch method {
    case _ where method.hasPrefix("dpm2m") || method.hasPrefix("dpm3m"): dpmSolver
    case _ where method.hasPrefix("unipc"): unipc
    case _ where method.hasPrefix("deis"), "ipndm": deis
    case "plms": pndm
    case "lms", "dpm2": kDiffusion
    default: nil
    }
  }

  private static let dpmSolver = """
    @inproceedings{lu2022dpmsolverode,
      title     = {{DPM-Solver}: A Fast {ODE} Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps},
      author    = {Lu, Cheng and Zhou, Yuhao and Bao, Fan and Chen, Jianfei and Li, Chongxuan and Zhu, Jun},
      booktitle = {Advances in Neural Information Processing Systems},
      volume    = {35},
      year      = {2022},
      eprint    = {2206.00927},
      archivePrefix = {arXiv}
    }
    """
  private static let unipc = """
    @inproceedings{zhao2023unipc,
      title     = {{UniPC}: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models},
      author    = {Zhao, Wenliang and Bai, Lujia and Rao, Yongming and Zhou, Jie and Lu, Jiwen},
      booktitle = {Advances in Neural Information Processing Systems},
      volume    = {36},
      year      = {2023},
      eprint    = {2302.04867},
      archivePrefix = {arXiv}
    }
    """
  private static let deis = """
    @inproceedings{zhang2023deis,
      title     = {Fast Sampling of Diffusion Models with Exponential Integrator},
      author    = {Zhang, Qinsheng and Chen, Yongxin},
      booktitle = {International Conference on Learning Representations},
      year      = {2023},
      eprint    = {2204.13902},
      archivePrefix = {arXiv}
    }
    """
  private static let pndm = """
    @inproceedings{liu2022pndm,
      title     = {Pseudo Numerical Methods for Diffusion Models on Manifolds},
      author    = {Liu, Luping and Ren, Yi and Lin, Zhijie and Zhao, Zhou},
      booktitle = {International Conference on Learning Representations},
      year      = {2022},
      eprint    = {2202.09778},
      archivePrefix = {arXiv}
    }
    """
  private static let kDiffusion = """
    @misc{crowson2022kdiffusion,
      title  = {k-diffusion},
      author = {Crowson, Katherine},
      year   = {2022}
    }
    """
}
