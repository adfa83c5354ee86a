// @ts-check
// The results as a picture: what is left of bare Socket.IO's rate, by contender. Readable on light and on
// dark paper.

/** @typedef {import("./report.js").Results} Results */
/** @typedef {{ title: string, shares: Record<string, number> }} Group percent of bare, by contender */

const works = [
  { name: "resume", title: "getting the session again" },
  { name: "set", title: "a durable set" },
];
const bars = [
  { name: "ours", text: "socket.io-token-session" },
  { name: "old-durable", text: "socket.io-mysql-session, made durable" },
  { name: "old", text: "the same as it is (answers, then writes)" },
  { name: "express", text: "express-session, express-mysql-session" },
];

const width = 780;
const left = 340;
const barWidth = 350;
const barHeight = 20;
const lineHeight = 27;
const groupHeight = 40 + bars.length * lineHeight + 12;
const top = 62;

const style = `
    .paper { fill: #ffffff; stroke: #d0d7de }
    text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif; font-size: 15px; fill: #1f2328 }
    .title { font-size: 19px; font-weight: 600 }
    .group { font-weight: 600 }
    .note, .name { fill: #59636e }
    .name, .value { text-anchor: end }
    .ours { fill: #0969da } .other { fill: #afb8c1 }
    .limit { stroke: #656d76; stroke-width: 1.5; stroke-dasharray: 4 3 }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; stroke: #3d444d }
      text { fill: #f0f6fc }
      .note, .name { fill: #9198a1 }
      .ours { fill: #4493f8 } .other { fill: #565f6a }
      .limit { stroke: #9198a1 }
    }
  `;

/**
 * @param {Results} results
 * @returns {string}
 */
export function toSvg(results) {
  const groups = groupsOf(results);
  const height = top + groups.length * groupHeight + 10;
  const most = Math.max(100, ...groups.flatMap(({ shares }) => Object.values(shares)));
  const scale = (/** @type {number} */ share) => Math.round((share / most) * barWidth);
  const described = groups.map(({ title, shares }) => {
    const each = bars.map(({ name, text }) => `${text} ${percent(shares[name])}`);
    return `${title}: ${each.join(", ")}.`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">`,
    `  <title id="title">Requests a second, as a share of bare Socket.IO</title>`,
    `  <desc id="description">${escaped(described.join(" "))}</desc>`,
    `  <style>${style}</style>`,
    `  <rect class="paper" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" />`,
    `  <text class="title" x="24" y="35">Requests a second, as a share of bare Socket.IO (dashed: 100 %)</text>`,
    ...groups.flatMap((group, index) => drawGroup(group, top + index * groupHeight, scale)),
    "</svg>",
    "",
  ].join("\n");
}

/**
 * @param {Group} group
 * @param {number} y
 * @param {(share: number) => number} scale
 * @returns {string[]}
 */
function drawGroup({ title, shares }, y, scale) {
  const limit = left + scale(100);
  const lines = bars.flatMap(({ name, text }, index) => {
    const at = y + 34 + index * lineHeight;
    const share = shares[name];
    const length = scale(share ?? 0);
    return [
      `  <text class="name" x="${left - 12}" y="${at + 15}">${escaped(text)}</text>`,
      `  <rect class="${name === "ours" ? "ours" : "other"}" x="${left}" y="${at}" width="${length}" height="${barHeight}" rx="2" />`,
      `  <text class="value" x="${width - 24}" y="${at + 15}">${percent(share)}</text>`,
    ];
  });
  const bottom = y + 34 + bars.length * lineHeight;
  return [
    `  <text class="group" x="24" y="${y + 18}">${escaped(title)}</text>`,
    `  <path class="limit" d="M${limit} ${y + 28}V${bottom}" />`,
    ...lines,
  ];
}

/**
 * @param {Results} results
 * @returns {Group[]}
 */
function groupsOf({ engines }) {
  return works.flatMap(({ name, title }) =>
    engines.flatMap(({ engine, version, goals }) => {
      const details = /** @type {{ shares?: Record<string, number> } | undefined} */ (
        goals.find((goal) => goal.name === name)?.details
      );
      const server = engine === "mysql" ? "MySQL" : "MariaDB";
      return details?.shares ? [{ title: `${server} ${version}, ${title}`, shares: details.shares }] : [];
    }),
  );
}

/** @param {number | undefined} share */
function percent(share) {
  return share === undefined ? "not measured" : `${Math.round(share)} %`;
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
