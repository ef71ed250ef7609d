/** Where the commands write. */
export interface Output {
  /** One line. */
  readonly out: (line: string) => void;
  readonly error: (line: string) => void;
}

export const LOCAL_USAGE = `Usage: edge-manager local <command> [options]
  list                               models on this device
  describe NAME                      one model in full
  stats [NAME]                       counters and latencies
  load NAME [--path FOLDER] [--pin]  load a version that was admitted, or a package folder
  unload NAME                        unload a model until it is loaded again
  reset-newest NAME --version V      let V count as the newest, so that what was admitted
                                     above it keeps no other version out
  captures list --quarantined        captures that the store refused for good, and why
  captures requeue ID... | --reason TEXT | --all
                                     bring such captures back: they are uploaded again
  predict NAME --inputs FILE         run a model; FILE holds [{"name", "datatype", "shape", "data"}, ...]
Options:
  --version VERSION, --label LABEL   which version (default: label stable)
  --work FOLDER                      the agent's work folder (default: the current one)
  --timeout MS                       default 10000
  --json                             print JSON`;
