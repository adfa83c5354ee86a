// @ts-check

/** On standard error, where Jest's own reporter writes. @param {string} line */
export const say = (line) => console.error(`· ${line}`);
