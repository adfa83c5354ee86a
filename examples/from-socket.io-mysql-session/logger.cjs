// @ts-check
// What the library needs of filelogger, so that the example runs without it: log(level, text), to a file and to the screen.
const fs = require("node:fs");

/** From the least important on, in the order that filelogger has. */
const LEVELS = ["debug", "error", "warn", "info"];

module.exports = class Logger {
  /**
   * @param {string} fileLevel the least that goes to the file
   * @param {string} screenLevel the least that goes to the screen
   * @param {string} file
   */
  constructor(fileLevel, screenLevel, file) {
    this.fileLevel = LEVELS.indexOf(fileLevel);
    this.screenLevel = LEVELS.indexOf(screenLevel);
    this.file = file;
  }

  /** @param {string} level @param {string} text */
  log(level, text) {
    const rank = LEVELS.indexOf(level);
    if (rank >= this.fileLevel)
      fs.appendFileSync(this.file, `${new Date().toISOString()} ${level}: ${text}\n`);
    if (rank >= this.screenLevel) console.log(`${level}: ${text}`);
  }
};
