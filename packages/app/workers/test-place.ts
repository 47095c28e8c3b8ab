import type { App } from "../app.ts";
import type { OpenProject } from "../project/open-project.ts";
import { openCheckout, openScratch } from "../scratch/open-scratch.ts";

/** One thing that was looked at. */
export interface TestStep {
  readonly step: "settings" | "program" | "version" | "handshake" | "lane" | "result" | "model" | "network" | "commands";
  readonly ok: boolean;
  readonly detail: string;
}

/** Directories for one trial of a worker; all of it is gone when it was closed. */
export interface TestPlace {
  /** Git repository with one commit, or a throw-away checkout of the project's. */
  readonly tree: string;
  readonly commit: string;
  readonly home: string;
  readonly laneDir: string;
  /** PATH, HOME and what a program needs to write at all: nothing of the person's. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const IDENTITY = ["-c", "user.name=okstra", "-c", "user.email=okstra@localhost", "-c", "commit.gpgSign=false"] as const;

/**
 * @param tree `checkout`: the project's own commit where it has one, since a command of the person's may be a file of it
 */
export async function openTestPlace(app: App, { location }: OpenProject, tree: "empty" | "checkout"): Promise<TestPlace> {
  const scratch = await openScratch(app, "workers-test");
  const { path } = scratch;
  let checkout: { readonly path: string; close(): Promise<void> } | null = null;
  const close = async (): Promise<void> => {
    await checkout?.close();
    await scratch.close();
  };
  try {
    for (const name of ["home", "tmp", "lane"]) await app.store.ensureDirectory(`${path}/${name}`);
    const head = tree === "empty" ? null : (location?.head ?? null);
    if (head !== null && location !== null)
      checkout = await openCheckout(app, {
        name: "workers-test",
        repository: location.commonDir,
        commit: head,
        safe: await app.git.safeConfig(location),
        installed: null,
      });
    return {
      tree: checkout?.path ?? `${path}/tree`,
      commit: head ?? (await makeRepository(app, `${path}/tree`)),
      home: `${path}/home`,
      laneDir: `${path}/lane`,
      env: {
        PATH: app.surroundings.env["PATH"] ?? "",
        HOME: `${path}/home`,
        TMPDIR: `${path}/tmp`,
        LANG: "C.UTF-8",
        TERM: "dumb",
        NO_COLOR: "1",
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function makeRepository(app: App, tree: string): Promise<string> {
  await app.store.ensureDirectory(tree);
  await app.git.run(tree, ["init", "--quiet", "--template=", "--initial-branch=main"]);
  await app.store.writeText(`${tree}/README.md`, "# A test of okstra\n\nNothing to do here.\n");
  await app.git.run(tree, ["add", "--", "README.md"]);
  await app.git.run(tree, [...IDENTITY, "commit", "--quiet", "--no-verify", "-m", "A test of okstra"]);
  return (await app.git.run(tree, ["rev-parse", "HEAD"])).stdout.trim();
}
