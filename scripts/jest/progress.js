// @ts-check
// Says after each test file how far the run is: `[12/174 files, 1:05]`. The name and the result are said by
// Jest's own reporter.

export default class Progress {
  #began = Date.now();
  #done = 0;
  #files = 0;

  /** @param {{ numTotalTestSuites: number }} results */
  onRunStart({ numTotalTestSuites }) {
    this.#began = Date.now();
    this.#files = numTotalTestSuites;
  }

  onTestResult() {
    this.#done += 1;
    // For one file there is nothing to count.
    if (this.#files < 2) return;
    const seconds = Math.round((Date.now() - this.#began) / 1000);
    const elapsed = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    process.stderr.write(`[${this.#done}/${this.#files} files, ${elapsed}]\n`);
  }
}
