import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createTestProject } from "@okstra/testkit/test-project";
import { loadProjectNames } from "./project-names.ts";

test("names of a project's tasks, branches and workers, without git", async () => {
  const project = await createTestProject();
  try {
    const { root } = project.repo;
    const of = { project: "proj", root };
    await project.okstra(["task", "new", "bugs/login"]);
    await project.repo.git(["branch", "feat/one"]);
    await project.repo.git(["pack-refs", "--all"]);
    await project.repo.git(["branch", "feat/two"]);
    writeFileSync(join(root, ".project-docs/okstra/project.json"), JSON.stringify({ projectId: "proj", workers: { mine: {} } }));
    writeFileSync(join(project.home.okstraHome, "config.json"), JSON.stringify({ workers: { yours: {} } }));
    const names = loadProjectNames(project.home.okstraHome, of);
    expect({ ...names, branches: [...names.branches].sort() }).toEqual({
      tasks: ["bugs/login"],
      branches: ["feat/one", "feat/two", "main"],
      workers: ["mine", "yours"],
    });
  } finally {
    project.remove();
  }
});

test("what cannot be read is no name", async () => {
  const project = await createTestProject();
  try {
    const root = project.home.directory("broken");
    mkdirSync(join(root, ".project-docs/okstra"), { recursive: true });
    for (const path of [".project-docs/okstra/tasks", ".project-docs/okstra/project.json", ".git"]) writeFileSync(join(root, path), "{");
    expect(loadProjectNames(join(root, ".git"), { project: "x", root })).toEqual({ tasks: [], branches: [], workers: [] });
  } finally {
    project.remove();
  }
});
