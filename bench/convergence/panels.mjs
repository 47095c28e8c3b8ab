import { createHash } from "node:crypto";
import { normaliseTitle } from "./pairs.mjs";
import { createRandom, rateOf, round } from "./statistics.mjs";

const SIZES = [2, 3, 4];
/** Of more combinations of one review and size a fixed sample is drawn. */
const MOST_COMBINATIONS = 60;
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/**
 * Panels of 2, 3 and 4 workers of one review: what they find together, and how often a cluster of each class names a
 * known defect. A claim that names none of the known defects counts as wrong, though it may be right.
 */
export function measurePanels(core, { panels }) {
  const measured = Object.fromEntries(SIZES.map((size) => [size, measureSize(core, panels, size)]));
  const pick = (name) => Object.fromEntries(SIZES.map((size) => [size, measured[size].ways[name]]));
  return {
    panels: Object.fromEntries(SIZES.map((size) => [size, { combinations: measured[size].combinations, ...measured[size].ways.okstra }])),
    panelBaselines: Object.fromEntries(["exactTitle", "locationOnly", "majorityVote"].map((name) => [name, { panels: pick(name) }])),
  };
}

function measureSize({ groupFindings, classify }, panels, size) {
  const clusters = { okstra: [], exactTitle: [], locationOnly: [], majorityVote: [] };
  const defects = { okstra: [], exactTitle: [], locationOnly: [], majorityVote: [] };
  let combinations = 0;
  for (const panel of panels) {
    for (const workers of combine(Object.keys(panel.workers).sort(), size, panel.review)) {
      combinations += 1;
      const findings = workers.flatMap((worker) =>
        panel.workers[worker].map(({ claim, defects: named }, at) => ({ id: `${worker}#${at + 1}`, worker, claim, defects: named })),
      );
      const { groups } = groupFindings(findings, { sha256 });
      const classed = groups.map(({ members }) => ({ members, class: classOf(classify, members, workers) }));
      const ways = {
        okstra: classed,
        exactTitle: groupByTitle(findings).map((members) => ({ members, class: classOf(classify, members, workers) })),
        // No finding here has a place, so by place each stands alone.
        locationOnly: findings.map((finding) => ({ members: [finding], class: "unique" })),
        majorityVote: classed.filter(({ members }) => new Set(members.map(({ worker }) => worker)).size >= Math.floor(size / 2) + 1),
      };
      for (const [name, kept] of Object.entries(ways)) {
        for (const cluster of kept)
          clusters[name].push({ group: panel.review, class: cluster.class, hit: namesDefect(cluster.members) ? 1 : 0 });
        const named = new Set(kept.flatMap(({ members }) => members.flatMap((member) => member.defects)));
        defects[name].push({ group: panel.review, hit: panel.defects.filter(({ id }) => named.has(id)).length, of: panel.defects.length });
      }
    }
  }
  const ways = Object.fromEntries(
    Object.keys(clusters).map((name) => {
      const recall = rateOf(defects[name]);
      const precision = rateOf(clusters[name]);
      const classes = [...new Set(clusters[name].map((each) => each.class))].sort();
      return [
        name,
        {
          recall: recall.rate,
          recallInterval: recall.interval,
          precision: precision.rate,
          precisionInterval: precision.interval,
          clustersPerPanel: combinations === 0 ? null : round(clusters[name].length / combinations, 2),
          precisionByClass: Object.fromEntries(
            classes.map((each) => [each, nameRate(rateOf(clusters[name].filter((cluster) => cluster.class === each)))]),
          ),
        },
      ];
    }),
  );
  return { combinations, ways };
}

function nameRate({ rate, interval, cases }) {
  return { precision: rate, interval, clusters: cases };
}

function classOf(classify, members, workers) {
  const facts = members.map(({ worker }) => ({ family: worker, severity: "P2", grounded: true }));
  const { class: name, strong } = classify({ members: facts, votes: [], families: workers });
  return strong ? `${name} strong` : name;
}

/** At least half of the members name one and the same known defect. */
function namesDefect(members) {
  const counts = new Map();
  for (const { defects } of members) for (const defect of defects) counts.set(defect, (counts.get(defect) ?? 0) + 1);
  return Math.max(0, ...counts.values()) * 2 >= members.length;
}

function groupByTitle(findings) {
  const groups = new Map();
  for (const finding of findings) {
    const title = normaliseTitle(finding.claim);
    groups.set(title, [...(groups.get(title) ?? []), finding]);
  }
  return [...groups.values()];
}

/** All combinations of `size`, or a sample that depends on nothing but the review and the size. */
function combine(names, size, review) {
  const all = [];
  const extend = (from, chosen) => {
    if (chosen.length === size) all.push(chosen);
    else for (let at = from; at < names.length; at += 1) extend(at + 1, [...chosen, names[at]]);
  };
  extend(0, []);
  if (all.length <= MOST_COMBINATIONS) return all;
  const random = createRandom(Number.parseInt(sha256(`${review} ${size}`).slice(0, 8), 16));
  return all
    .map((combination) => ({ combination, order: random() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, MOST_COMBINATIONS)
    .map(({ combination }) => combination);
}
