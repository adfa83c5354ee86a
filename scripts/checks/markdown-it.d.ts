// The Markdown parser, as far as it is used here: it comes without types.
declare module "markdown-it" {
  export interface Token {
    type: string;
    content: string;
    /** First line and line after the last, from 0; only of blocks. */
    map: [number, number] | null;
    children: Token[] | null;
    attrGet(name: string): string | null;
  }
  export default class MarkdownIt {
    constructor(options?: { html?: boolean });
    parse(text: string, env: object): Token[];
  }
}
