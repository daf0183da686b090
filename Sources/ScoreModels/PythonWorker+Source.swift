/// The program of a `PythonWorker`. It needs numpy.
///
/// A request is three numbers of 8 bytes (rows, bytes of the shared memory,
/// bytes of the text that follows), a reply two (0 or 1 for a failure, bytes of
/// the text). Rows -1 change conditions. The shared memory holds alpha, sigma, timestep and sample of all
/// rows in double precision, then the states, then room for the predictions.
let pythonWorkerSource = #"""
  import json, mmap, os, select, struct, sys, sysconfig, threading, traceback

  os.closerange(6, 4096)


  def end_with_parent():
      # Wakes when nobody reads the replies any more.
      watch = select.poll()
      watch.register(4, 0)
      watch.poll()
      os._exit(0)


  threading.Thread(target=end_with_parent, daemon=True).start()


  def receive(count):
      data = b""
      while len(data) < count:
          part = os.read(3, count - len(data))
          if not part:
              os._exit(0)
          data += part
      return data


  def answer(text="", failed=False):
      data = text.encode(errors="replace")
      data = struct.pack("=qq", failed, len(data)) + data
      while data:
          data = data[os.write(4, data):]


  def explain(error):
      """The error in one line, with the place in the person's own code."""
      message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
      libraries = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
      frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != "<string>"]
      own = [f for f in frames if not any(f.filename.startswith(folder + os.sep) for folder in libraries)
             and not f.filename.startswith("<frozen")]
      if isinstance(error, SyntaxError):
          return message
      for frame in (own or frames)[-1:]:
          message += f" ({frame.filename}, line {frame.lineno}, in {frame.name})"
      return " ".join(message.split("\n"))


  class Worker:
      def open(self, request):
          self.request = request
          with open(request["file"], "rb") as source:
              code = compile(source.read(), request["file"], "exec")
          sys.path.insert(0, os.path.dirname(os.path.abspath(request["file"])))
          self.names = {"__name__": "piadm_plugin", "__file__": request["file"]}
          exec(code, self.names)
          if "Model" not in self.names:
              raise TypeError("the file defines no class Model")
          self.model = model = self.names["Model"](request["configuration"])
          if "torch" in sys.modules:
              sys.modules["torch"].set_num_threads(getattr(model, "threads", request["threads"]))
          self.shape = tuple(int(length) for length in model.shape)
          if not self.shape or min(self.shape) < 1:
              raise ValueError(f"Model.shape is {self.shape}; one axis or more of length 1 or more is needed")
          self.scheduler = getattr(model, "scheduler", None)
          self.timestep_type = np.dtype(getattr(model, "timestep_type", "float32"))
          self.multiple = int(getattr(model, "row_multiple", 1))
          if self.multiple < 1:
              raise ValueError(f"Model.row_multiple is {self.multiple}; 1 or more is needed")
          self.read_conditions(dict(getattr(model, "conditions", {})))
          return {
              "shape": self.shape, "predicts": getattr(model, "predicts", "score"),
              "scheduler": None if self.scheduler is None else json.dumps(self.scheduler),
              "hasIntegerTimesteps": bool(np.issubdtype(self.timestep_type, np.integer)),
              "threads": getattr(model, "threads", request["threads"]),
              "conditionRanks": {name: values.ndim - 1 for name, (_, values) in self.conditions.items()}}

      def read_conditions(self, shapes):
          self.conditions, self.nulls = {}, {}
          for option, files, into in (("condition", self.request["conditions"], self.conditions),
                                      ("condition-null", self.request["nullConditions"], self.nulls)):
              for name, file in files.items():
                  if name not in shapes:
                      known = ", ".join(shapes) or "none"
                      raise ValueError(f"--{option} {name}: Model.conditions has no such input; it has {known}")
                  values, row = np.load(file), tuple(shapes[name])
                  if values.shape == row:
                      values = values[None]
                  elif values.shape[1:] != row or len(values) not in (1, self.request["samples"]):
                      raise ValueError(
                          f"--{option} {name}={file}: has shape {values.shape}; {row} for all samples alike, or with "
                          f"an axis of {self.request['samples']} samples in front, is needed")
                  into[name] = (self.request["firstSample"], values)
          for name, row in shapes.items():
              if name not in self.conditions:
                  raise ValueError(
                      f"its input '{name}' is supplied by nobody; give it with `condition` {name}=FILE.npy, of shape "
                      f"{tuple(row)} for all samples alike or with an axis of {self.request['samples']} in front")

      def set_conditions(self, change):
          for name, rows in change["rows"].items():
              if name not in self.conditions:
                  raise ValueError(f"condition {name}: Model.conditions has no such input")
              values = np.array(rows["values"], np.float32).reshape(rows["shape"])
              if values.shape[1:] != self.conditions[name][1].shape[1:]:
                  raise ValueError(f"condition {name}: rows of shape {values.shape[1:]} do not fit "
                                   f"{self.conditions[name][1].shape[1:]}")
              self.conditions[name] = (change["firstSample"], values)

      def rows_of(self, arrays, samples):
          # Calls that time or check the model state no sample of the run.
          return {name: values[np.maximum(samples - first, 0) if len(values) > 1 else np.zeros_like(samples)]
                  for name, (first, values) in arrays.items()}

      def predict(self, rows, length):
          if length != len(self.memory):
              self.memory.close()
              self.memory = mmap.mmap(5, length)
          scalar = np.dtype(self.request["scalar"])
          size = rows * int(np.prod(self.shape))
          numbers = np.frombuffer(self.memory, np.float64, 4 * rows).reshape(4, rows)
          states = np.frombuffer(self.memory, scalar, size, 32 * rows).reshape(rows, *self.shape)
          output = np.frombuffer(self.memory, scalar, size, 32 * rows + size * scalar.itemsize)
          # Copies of the first row fill a call up.
          places = np.concatenate([np.arange(rows), np.zeros(-rows % self.multiple, np.int64)])
          states, numbers, rows = states[places], numbers[:, places], len(places)
          if self.scheduler is None:
              column = (rows,) + (1,) * len(self.shape)
              times = (numbers[0].reshape(column), numbers[1].reshape(column))
          else:
              times = (numbers[2].astype(self.timestep_type),)
          samples = numbers[3].astype(np.int64)
          conditions = self.rows_of(self.conditions, samples)
          found = self.checked(self.model.predict(states, *times, **conditions), rows)
          scale = self.request.get("guidance")
          if scale is not None:
              conditions.update(self.rows_of(self.nulls, samples))
              null = self.checked(self.model.predict(states, *times, **conditions), rows)
              found = null + scale * (found - null)
          output[:] = found.reshape(-1)[:size]

      def checked(self, found, rows):
          if hasattr(found, "detach"):
              found = found.detach().cpu().numpy()
          found = np.asarray(found)
          if found.shape != (rows, *self.shape):
              raise ValueError(
                  f"Model.predict returned shape {found.shape} for {rows} rows; {(rows, *self.shape)} is needed")
          return found


  worker = Worker()
  try:
      import numpy as np
  except ImportError as error:
      receive(24)
      answer(f"{sys.executable} has no numpy: install it there, or name another interpreter in PIADM_PYTHON", True)
      os._exit(0)
  worker.memory = mmap.mmap(-1, 1)
  while True:
      rows, length, size = struct.unpack("=qqq", receive(24))
      text = receive(size)
      try:
          if rows == 0:
              answer(json.dumps(worker.open(json.loads(text))))
          elif rows < 0:
              answer(worker.set_conditions(json.loads(text)) or "")
          else:
              worker.predict(rows, length)
              answer()
      except (Exception, SystemExit) as error:
          answer(explain(error), True)
  """#
