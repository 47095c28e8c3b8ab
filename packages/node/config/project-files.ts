import { join } from "node:path";
import * as z from "zod";
import { homeConfigSchema, PROJECT_FILE, projectSchema } from "@okstra/core/domain/project";
import { OkstraError, type ErrorCode } from "@okstra/core/errors";
import type { ProjectFiles } from "@okstra/core/project-port";
import type { Store } from "@okstra/core/ports";

const MAX_BYTES = 4 * 1024 * 1024;

/** project.json and OKSTRA_HOME/config.json. */
export function createProjectFiles(home: string, store: Store): ProjectFiles {
  const homePath = join(home, "config.json");

  async function load<T>(path: string, schema: z.ZodType<T>, code: ErrorCode): Promise<T | null> {
    const text = await store.readText(path, { maxBytes: MAX_BYTES });
    if (text === null) return null;
    let data: unknown;
    try {
      data = JSON.parse(text.replace(/^\uFEFF/, ""));
    } catch (cause) {
      throw new OkstraError(code, { message: `${path} is not valid JSON.`, details: { path }, cause });
    }
    const version = (data as { schema?: unknown } | null)?.schema;
    if (typeof version === "number" && version > 1) {
      throw new OkstraError("OKSTRA_SCHEMA_NEWER", {
        message: `${path} has schema ${version}, and this okstra knows 1.`,
        details: { path, schema: version },
      });
    }
    const parsed = schema.safeParse(data);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    const member = issue?.path.join(".") ?? "";
    throw new OkstraError(code, {
      message: `${path}: ${member === "" ? "the document" : member}: ${issue?.message ?? "is not valid"}.`,
      details: { path, member },
    });
  }

  return {
    loadProject: (root) => load(join(root, PROJECT_FILE), projectSchema, "OKSTRA_PROJECT_INVALID"),
    async writeProject(root, project) {
      const path = join(root, PROJECT_FILE);
      await store.writeText(path, `${JSON.stringify(project, null, 2)}\n`, { mode: 0o644 });
      return path;
    },
    async loadHomeConfig() {
      return (await load(homePath, homeConfigSchema, "OKSTRA_CONFIG_INVALID")) ?? { schema: 1 };
    },
    async writeHomeConfig(config) {
      await store.writeText(homePath, `${JSON.stringify(config, null, 2)}\n`);
      return homePath;
    },
  };
}
