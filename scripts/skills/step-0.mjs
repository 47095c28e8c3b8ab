/** What every skill begins with: one text, so that no skill finds okstra in a way of its own. */

const NOT_INSTALLED = "FAIL: okstra not installed; tell the user to run: npx okstra@latest install";
const NOT_SET_UP = "FAIL: this project has no okstra setup. Tell the user to run /okstra-setup first.";

/**
 * For sh, bash and zsh, `set -eu` or not. Standard output is the FAIL line alone when it fails; what okstra said about it
 * goes to standard error. A shell of an agent keeps nothing, so the last line says how okstra is started from then on.
 */
function renderScript({ version, checkProject }) {
  return [
    "if command -v okstra >/dev/null 2>&1; then",
    "  OKSTRA_COMMAND='okstra'",
    '  run_okstra() { okstra "$@"; }',
    "else",
    `  OKSTRA_COMMAND='npx -y okstra@${version}'`,
    `  run_okstra() { npx -y okstra@${version} "$@"; }`,
    "fi",
    "if ! run_okstra ensure-installed >&2 || ! OKSTRA_PATHS=$(run_okstra paths --shell); then",
    `  echo '${NOT_INSTALLED}'`,
    "  exit 1",
    "fi",
    'eval "$OKSTRA_PATHS"',
    ...(checkProject
      ? [
          "if ! OKSTRA_PROJECT=$(run_okstra check-project --json); then",
          "  printf '%s\\n' \"$OKSTRA_PROJECT\" >&2",
          `  echo '${NOT_SET_UP}'`,
          "  exit 1",
          "fi",
          "printf '%s\\n' \"$OKSTRA_PROJECT\"",
        ]
      : []),
    'printf \'okstra %s runs as: %s\\n\' "$OKSTRA_VERSION" "$OKSTRA_COMMAND"',
  ].join("\n");
}

/** @param {{ version: string, checkProject: boolean }} options @returns {string} Markdown, without a line break at its end */
export function renderStepZero(options) {
  return `## Step 0

Run this as it is. If it prints a line that begins with \`FAIL\`, tell the user that line and stop. Else its last line ends with how okstra runs here: write that in place of \`okstra\` in every command below.

\`\`\`sh
${renderScript(options)}
\`\`\``;
}
