// @ts-check

/** The client sent something that is not to be: its text goes back to it. */
export class Refusal extends Error {}
