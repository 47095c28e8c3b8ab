import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EMPTY_REGISTRY, type Registry, type RegistryRow } from "./registry.ts";
import {
  dropRow,
  findBranchOwner,
  findRow,
  findRowByPath,
  isKnownBranch,
  putRow,
  RELEASED_ROWS_KEPT,
  splitHistory,
} from "./registry-change.ts";

const row = (more: Partial<RegistryRow> = {}): RegistryRow => ({
  project_id: "p",
  task_group: "g",
  task_id: "t",
  repository: "/r/.git",
  worktree_path: "/w/t",
  branch: "fix-t",
  base_ref: "c",
  created_at: "2026-01-01T00:00:00.000Z",
  last_phase: null,
  status: "active",
  ...more,
});

/** What the branch index must be, from the rows alone. Two rows never hold one branch in these histories. */
function indexOf(registry: Registry): Registry["branches"] {
  const branches: Registry["branches"] = {};
  for (const [key, each] of Object.entries(registry.tasks)) {
    if (each.status === "released" || each.branch === "") continue;
    branches[each.repository] = { ...branches[each.repository], [each.branch]: key };
  }
  return branches;
}

const key = fc.constantFrom("p/g/a", "p/g/b", "q/g/a", "p/g/constructor", "p/g/__proto__", "__proto__");
/** Each key has its own branch names, as the reservation sees to. */
const change = fc.oneof(
  fc.record({
    kind: fc.constant("put" as const),
    key,
    repository: fc.constantFrom("/r/.git", "/s/.git"),
    branch: fc.constantFrom("", "x", "toString"),
    status: fc.constantFrom("provisioning" as const, "active" as const, "released" as const),
  }),
  fc.record({ kind: fc.constant("drop" as const), key }),
);

describe("the branch index", () => {
  test("always says what the rows say, whatever was put and dropped in whatever order", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        let registry: Registry = EMPTY_REGISTRY;
        for (const each of changes) {
          const before = JSON.stringify(registry);
          const next =
            each.kind === "drop"
              ? dropRow(registry, each.key)
              : putRow(
                  registry,
                  each.key,
                  row({
                    repository: each.repository,
                    branch: each.branch === "" ? "" : `${each.key}-${each.branch}`,
                    status: each.status,
                  }),
                );
          expect(JSON.stringify(registry)).toBe(before);
          registry = next;
          expect(sorted(registry.branches)).toEqual(sorted(indexOf(registry)));
          expect(Object.hasOwn(registry.tasks, each.key)).toBe(each.kind === "put");
          expect(findRow(registry, each.key) === null).toBe(each.kind === "drop");
        }
        for (const [owner, each] of Object.entries(registry.tasks))
          if (each.branch !== "")
            expect(findBranchOwner(registry, each.repository, each.branch)).toBe(each.status === "released" ? null : owner);
      }),
    );
  });

  test("a task that changes its branch, or is released, gives the old name free", () => {
    const one = putRow(EMPTY_REGISTRY, "p/g/t", row());
    expect(findBranchOwner(one, "/r/.git", "fix-t")).toBe("p/g/t");
    const moved = putRow(one, "p/g/t", row({ branch: "fix-u" }));
    expect(moved.branches).toEqual({ "/r/.git": { "fix-u": "p/g/t" } });
    const released = putRow(moved, "p/g/t", row({ branch: "fix-u", status: "released" }));
    expect(released.branches).toEqual({});
    expect(isKnownBranch(released, "/r/.git", "fix-u")).toBe(true);
    expect(findBranchOwner(released, "/r/.git", "toString")).toBeNull();
  });

  test("is per repository: two projects may both have one name", () => {
    const both = putRow(putRow(EMPTY_REGISTRY, "p/g/t", row()), "q/g/t", row({ repository: "/s/.git", worktree_path: "/w/q" }));
    expect(both.branches).toEqual({ "/r/.git": { "fix-t": "p/g/t" }, "/s/.git": { "fix-t": "q/g/t" } });
    expect(findRowByPath(both, "/w/q")?.key).toBe("q/g/t");
    expect(findRowByPath(both, "/w")).toBeNull();
  });

  test("members that nobody here knows are kept", () => {
    const strange = { ...EMPTY_REGISTRY, note: "mine" } as Registry;
    expect(dropRow(putRow(strange, "k", row()), "k")).toEqual(strange);
  });
});

describe("history", () => {
  const full = (released: number, active: number): Registry => {
    let registry: Registry = EMPTY_REGISTRY;
    for (let n = 0; n < released + active; n += 1) {
      const isReleased = n < released;
      registry = putRow(
        registry,
        `p/g/${n}`,
        row({
          branch: `b${n}`,
          status: isReleased ? "released" : "active",
          ...(isReleased ? { released_at: new Date(Date.UTC(2026, 0, 1) + ((n * 37) % released) * 1000).toISOString() } : {}),
        }),
      );
    }
    return registry;
  };

  test("the newest hundred released rows stay; older ones move, active ones never", () => {
    expect(splitHistory(full(RELEASED_ROWS_KEPT, 5)).moved).toEqual([]);
    const before = full(RELEASED_ROWS_KEPT + 20, 5);
    const { registry, moved } = splitHistory(before);
    expect(moved).toHaveLength(20);
    const releasedAt = (each: RegistryRow): string => String(each["released_at"]);
    const kept = Object.values(registry.tasks).filter((each) => each.status === "released");
    expect(kept).toHaveLength(RELEASED_ROWS_KEPT);
    const newestMoved = moved
      .map(([, each]) => releasedAt(each))
      .sort()
      .at(-1)!;
    for (const each of kept) expect(releasedAt(each) > newestMoved).toBe(true);
    expect(Object.values(registry.tasks).filter((each) => each.status === "active")).toHaveLength(5);
    expect({ ...registry.tasks, ...Object.fromEntries(moved) }).toEqual(before.tasks);
    expect(registry.branches).toEqual(before.branches);
  });
});

function sorted(value: Registry["branches"]): unknown {
  return Object.entries(value)
    .map(([repository, index]) => [repository, Object.entries(index).sort()])
    .sort();
}
