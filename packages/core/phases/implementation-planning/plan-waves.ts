interface Stage {
  readonly id: string;
  readonly dependsOn: readonly string[];
}

/**
 * Ids of stages in sets: each set waits for those before it, and the stages in a set may run in parallel. A stage
 * stands in the first set that it can; in a set the plan's order holds. `stuck`: stages that wait for each other or for
 * a stage that is not there.
 */
export function findWaves(stages: readonly Stage[]): { readonly waves: string[][]; readonly stuck: string[] } {
  const waves: string[][] = [];
  const done = new Set<string>();
  let left = stages;
  for (;;) {
    const ready = left.filter(({ dependsOn }) => dependsOn.every((id) => done.has(id)));
    if (ready.length === 0) return { waves, stuck: left.map(({ id }) => id) };
    waves.push(ready.map(({ id }) => id));
    for (const { id } of ready) done.add(id);
    left = left.filter((stage) => !ready.includes(stage));
  }
}
