const percent = (rate) => (rate === null || rate === undefined ? "-" : `${(rate * 100).toFixed(1)} %`);
const span = (interval) => (Array.isArray(interval) ? ` (${interval.map((each) => (each * 100).toFixed(1)).join("–")})` : "");

/** The answer for a person; intervals are 95 %. */
export function print({ data, thresholds, pairs, coLocated, panels, speed, baselines }) {
  const row = (name, { pairs: of, coLocated: beside }) =>
    `  ${name.padEnd(16)} recall ${percent(of.recall)}${span(of.recallInterval)} · false merges ${percent(of.falseMergeRate)}${span(of.falseMergeInterval)}` +
    (beside === undefined ? "" : ` · at one place ${percent(beside.falseMergeRate)}${span(beside.falseMergeInterval)}`);
  const panel = (name, { recall, recallInterval, precision, clustersPerPanel }) =>
    `    ${name.padEnd(14)} recall ${percent(recall)}${span(recallInterval)} · precision ${percent(precision)} · ${clustersPerPanel} clusters a panel`;
  return [
    `${data.reviews} reviews (${data.half}): ${data.pairs} pairs, ${data.coLocated} pairs at one place, ${data.panels} panels; ${JSON.stringify(thresholds)}`,
    "pairs",
    row("okstra", { pairs, coLocated }),
    row("without workers", { pairs: pairs.withoutWorkers }),
    row("exact title", baselines.exactTitle),
    row("location only", baselines.locationOnly),
    ...Object.entries(panels).flatMap(([size, each]) => [
      `panels of ${size} (${each.combinations})`,
      panel("okstra", each),
      ...Object.entries(each.precisionByClass).map(
        ([name, { precision, interval, clusters }]) =>
          `      ${name.padEnd(16)} right ${percent(precision)}${span(interval)} of ${clusters}`,
      ),
      panel("majority vote", baselines.majorityVote.panels[size]),
      panel("exact title", baselines.exactTitle.panels[size]),
      panel("location only", baselines.locationOnly.panels[size]),
    ]),
    ...(speed === null
      ? []
      : [`${speed.workers} workers, ${speed.findings} findings, ${speed.ledgerRows} known rows: ${speed.medianMs} ms`]),
  ].join("\n");
}
