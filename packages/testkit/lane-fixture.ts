import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { App } from "@okstra/app/app";
import { openDoor, type DoorOptions } from "@okstra/app/door/open-door";
import { openLane, type Lane } from "@okstra/app/door/open-lane";
import { openApp } from "./open-app.ts";
import type { LaneDoor } from "@okstra/core/ports";

export const LANE_NONCE = "0123456789abcdef0123456789abcdef";
export const LANE_RUN = "run-1";

/** A lane with an open door and a small tree, for tests of what comes through it. */
export interface LaneFixture {
  readonly root: string;
  readonly tree: string;
  readonly laneDir: string;
  readonly app: App;
  readonly door: LaneDoor;
  /** The lane as its server has it, in this process. */
  openLane(env?: Readonly<Record<string, string>>): Promise<Lane>;
  /** Texts of all files of the door, by name. */
  readDoor(): Readonly<Record<string, string>>;
  remove(): void;
}

export async function openLaneFixture(
  options: {
    role?: DoorOptions["role"];
    type?: string;
    files?: Readonly<Record<string, string>>;
    launcher?: readonly [string, ...string[]];
    prompt?: string;
  } = {},
): Promise<LaneFixture> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "okstra-lane-")));
  const tree = join(root, "tree");
  const laneDir = join(root, "run/workers/agent");
  mkdirSync(laneDir, { recursive: true });
  for (const [path, text] of Object.entries({ "src/sum.js": "export function sum(a, b) {\n  return a + b;\n}\n", ...options.files })) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  const open = (env: Readonly<Record<string, string>>): Promise<App> =>
    openApp({
      env: { ...process.env, OKSTRA_HOME: join(root, "home"), ...env },
      cwd: root,
      emit: () => undefined,
      launcher: options.launcher,
    });
  const app = await open({});
  const provision = { status: "reused" as const, path: tree, branch: "b", baseRef: "", taskKey: "p/g/t", note: "" };
  const door = await openDoor(app, {
    manifest: {
      runId: LANE_RUN,
      taskKey: "p/g/t",
      type: options.type ?? "requirements-discovery",
      project: { id: "p", root: tree },
      provision,
    },
    laneDir,
    lane: "agent",
    role: options.role ?? "review",
    worker: "agent",
    nonce: LANE_NONCE,
    prompt: options.prompt ?? `Review it. Nonce: ${LANE_NONCE}`,
  });
  return {
    root,
    tree,
    laneDir,
    app,
    door,
    openLane: async (env = {}) => openLane(await open({ ...door.env, ...env })),
    readDoor() {
      const path = join(laneDir, "door");
      return Object.fromEntries(
        readdirSync(path)
          .sort()
          .map((name) => [name, readFileSync(join(path, name), "utf8")]),
      );
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
