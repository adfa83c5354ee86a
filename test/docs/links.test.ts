import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { checkLinks } from "../../scripts/checks/check-links.js";
import { type SmallProject, writeProject } from "../support/processes/small-project.js";

const sound = {
  "README.md": [
    "# A thing",
    "## What is `get(key)`, and why?",
    "## Twice",
    "## Twice",
    "[this](#what-is-getkey-and-why) [that](docs/guide.md#zwölf-uhr) [second](#twice-1) [page](https://example.com/none)",
    '[named][guide] ![picture](docs/picture.svg) <img src="docs/picture.svg"> <a id="here"></a> [here](#here)',
    "",
    "```md",
    "[no link](nowhere.md)",
    "```",
    "",
    "[guide]: docs/guide.md",
  ].join("\n"),
  "docs/guide.md": "# Guide\n\n## Zwölf Uhr\n\n| a |\n| - |\n| [up](../README.md#a-thing) |\n",
  "docs/picture.svg": "<svg/>",
  "docs/api/index.html":
    '<a href="pages/one.html?x#a.b">one</a> <a href="//example.com/none">elsewhere</a> <p id="top-of">',
  "docs/api/pages/one.html":
    '<h2 id="a.b">A &lt;a href="nowhere"&gt;</h2><a href="../index.html#top-of">back</a>',
  "node_modules/other/README.md": "[not ours](nowhere.md)",
};

let project: SmallProject;
beforeEach(() => {
  project = writeProject(sound);
});
afterEach(() => project.remove());

test("links that lead somewhere are no fault, and neither is what is no link of ours", () => {
  expect(checkLinks(project.folder)).toEqual({ links: 10, broken: [] });
});

test.each([
  [
    "a heading that has gone",
    "README.md",
    "#twice-1",
    "#twice-2",
    "README.md:5: #twice-2: no such heading there",
  ],
  [
    "a heading of another file",
    "docs/guide.md",
    "## Zwölf",
    "## Elf",
    "README.md:5: docs/guide.md#zwölf-uhr: no such heading there",
  ],
  [
    "a file that has gone",
    "docs/guide.md",
    "../README.md",
    "../READ.md",
    "docs/guide.md:7: ../READ.md#a-thing: no such file",
  ],
  [
    "a link by name",
    "README.md",
    "[guide]: docs/guide.md",
    "[guide]: docs/gide.md",
    "README.md:5: docs/gide.md: no such file",
  ],
  [
    "a picture",
    "README.md",
    "![picture](docs/picture.svg)",
    "![picture](picture.svg)",
    "README.md:5: picture.svg: no such file",
  ],
  ["a picture in HTML", "README.md", 'src="docs/', 'src="', "README.md:5: picture.svg: no such file"],
  [
    "a way out of the project",
    "README.md",
    "(#here)",
    "(../x.md)",
    "README.md:5: ../x.md: leads out of the project",
  ],
  [
    "a page of the reference",
    "docs/api/index.html",
    "one.html",
    "two.html",
    "docs/api/index.html: pages/two.html?x#a.b: no such file",
  ],
  [
    "a place in the reference",
    "docs/api/pages/one.html",
    'id="a.b"',
    'id="a.c"',
    "docs/api/index.html: pages/one.html?x#a.b: no such heading there",
  ],
  [
    "a folder, which opens as a page on a web server only",
    "docs/api/index.html",
    "pages/one.html?x",
    "pages/",
    "docs/api/index.html: pages/#a.b: a folder, not a page",
  ],
])("%s is found", (_what, file, from, to, fault) => {
  project.edit(file, from, to);
  expect(checkLinks(project.folder).broken).toEqual([fault]);
});

test("without a reference there is nothing to vouch for", () => {
  const { folder, remove } = writeProject({ "README.md": sound["README.md"] });
  expect(() => checkLinks(folder)).toThrow("npm run docs");
  remove();
});
