/** Files below a directory of the person's that agents read skills from. Paths are relative to a base, with `/`. */
export interface InstallFiles {
  /** A regular file's bytes as SHA-256; `other`: a link, a directory, or what leads out of the base. */
  find(base: string, path: string): Promise<{ readonly sha256: string } | "absent" | "other">;
  /**
   * Replaces a file durably, with the person's umask; directories are made.
   * @throws OKSTRA_PATH_IS_LINK when a directory on the way leads out of the base
   */
  write(base: string, path: string, text: string): Promise<void>;
  /** Removes a regular file, and its directories up to `skills/` that are empty then. */
  remove(base: string, path: string): Promise<void>;
  /** Removes what an interrupted {@link write} of this path left. */
  sweep(base: string, path: string): Promise<void>;
}
