/**
 * Runs before each test file, in its own process: an empty HOME, git without the machine's configuration and with a
 * fixed identity, UTC, UTF-8, and nothing left of okstra's, git's, npm's or the desktop's variables.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const UNWANTED = /^(?:OKSTRA_(?!TEST_)|GIT_|XDG_|npm_|LC_|LANG(?:UAGE)?$|FORCE_COLOR$|NO_COLOR$|CLICOLOR|COLORTERM$|NODE_OPTIONS$)/u;

const GIT_CONFIG = `[user]
	name = okstra test
	email = test@okstra.invalid
[init]
	defaultBranch = main
[commit]
	gpgSign = false
[gc]
	auto = 0
[maintenance]
	auto = false
`;

const directory = mkdtempSync(join(tmpdir(), "okstra-test-"));
const home = join(directory, "home");
mkdirSync(home);
// Beside HOME, which stays empty until the test puts something there.
writeFileSync(join(directory, "gitconfig"), GIT_CONFIG);

for (const name of Object.keys(process.env)) if (UNWANTED.test(name)) delete process.env[name];
Object.assign(process.env, {
  HOME: home,
  USERPROFILE: home,
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: join(directory, "gitconfig"),
  GIT_TERMINAL_PROMPT: "0",
  TZ: "UTC",
  LC_ALL: "C.UTF-8",
});

afterAll(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
