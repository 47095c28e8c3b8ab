const NAMES = ["newest20", "newest1000", "oneTask", "status", "statusFirst", "search", "rebuild"];

/** One size as a table of 80 columns. */
export function printHistory(figures) {
  const { runs, projects, node } = figures;
  const rows = NAMES.map((name) => {
    const { ms, extraMs, ratio, rssMb } = figures[name];
    return `${name.padEnd(11)} ${ms.toFixed(1).padStart(10)} ms  ${`+${extraMs.toFixed(1)}`.padStart(10)} ms  ${ratio.toFixed(2).padStart(8)} x node  ${rssMb.toFixed(1).padStart(7)} MB`;
  });
  return [`${runs} runs in ${projects} projects; node -e 0 takes ${node.ms} ms and ${node.rssMb} MB`, ...rows].join("\n");
}
