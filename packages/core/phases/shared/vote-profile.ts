import { ANSWER_PART, SMALL_CONTRACT } from "./profile-parts.ts";

/** What a blind verifier is told: claims and places, never who raised them, how many did or how grave they call it. */
export const VOTE_PROFILE = `# Blind verification

Say of each item below whether its claim is true of the head commit. Each item stands for itself; you are told nothing else about it.

## Items
{% for item in items %}
- {{ item.id }}: {{ item.claim | normalize_whitespace }}{% if item.place != "" %} Place: \`{{ item.place | normalize_whitespace }}\`{% endif %}{% endfor %}
{%- if pairs.size > 0 %}

## Pairs

Would one fix resolve both? Answer each in \`rulings\`: \`{ "pair": "{{ pairs[0].id }}", "same": true }\`. When in doubt leave the pair out.
{% for pair in pairs %}
- {{ pair.id }}: (1) {{ pair.one | normalize_whitespace }} (2) {{ pair.other | normalize_whitespace }}{% endfor %}
{%- endif %}

${SMALL_CONTRACT}
## How you judge

- \`confirmed\`: the defect is there. \`refuted\`: it is not. \`unverifiable\`: this tree does not tell. One answer for each item: two for one item cancel each other, and an item without one stays unverified.
- Evidence of the kind \`reproduction\` weighs most, then \`quoted-code\`, then \`reasoning\`. Reasoning alone refutes nothing.
- \`reproduction\`: a shell command that okstra executes itself in the worktree, several times. To confirm, it FAILS (exit status not 0) while the defect is there. To refute, it PASSES (exit status 0) because the defect is not there, and it must depend on this tree: what passes in an empty directory too counts for nothing.
- \`quoted-code\`: \`file\`, \`startLine\` and \`quote\`, copied letter by letter from the file at the head commit. okstra looks it up; what is not there counts as reasoning.

## Limits

Change no file of the worktree, make no commit, push nothing. okstra compares the tree before and after.

${ANSWER_PART}
The smallest valid result answers nothing: \`{ "nonce": "{{ nonce }}", "votes": [] }\`. One answer looks like this:

\`\`\`json
{ "nonce": "{{ nonce }}", "votes": [{ "item": "{% if items.size > 0 %}{{ items[0].id }}{% else %}V1{% endif %}", "answer": "unverifiable", "evidence": { "kind": "reasoning", "text": "The tree holds nothing that tells." } }] }
\`\`\`
`;
