/** Progress of long steps on standard error, one line a step; standard output stays for results. */
export class Steps {
  readonly #begunMs = performance.now();

  step(text: string): void {
    const seconds = ((performance.now() - this.#begunMs) / 1000).toFixed(1).padStart(6);
    process.stderr.write(`${seconds} s  ${text}\n`);
  }
}
