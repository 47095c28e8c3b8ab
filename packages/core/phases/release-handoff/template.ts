import type { Language } from "../../report/wording.ts";

/**
 * The built-in bodies of pull requests, as Liquid templates over the variables of docs/en/handoff.md. All of them are inert:
 * what a worker or a brief said is shown and does nothing.
 */
export const BODY_TEMPLATES: Readonly<Record<Language, string>> = {
  en: `{% if brief != "" %}{{ brief }}

{% endif %}{% if override %}> **Passed by a person.** {{ override.by }} overrode the gate of the final verification: {{ override.reason }}

{% endif %}{% if criteria.size > 0 %}### Acceptance criteria

{% for criterion in criteria %}- {% if criterion.met %}[x]{% else %}[ ]{% endif %} {{ criterion.id }} {{ criterion.text }}{% unless criterion.met %} ({{ criterion.state }}){% endunless %}
{% endfor %}
{% endif %}### Verification

Verdict **{{ verdict }}** for commit {{ head }}, final verification run {{ run }}.
{% if workers.size > 0 %}Verified by {{ workers | join: ", " }}. {% endif %}{{ findings.total }} findings{% if findings.list.size > 0 %}: {{ findings.list | join: ", " }}{% endif %}.
{% if commits.size > 1 %}
### Commits

{% for commit in commits %}- {{ commit.sha }} {{ commit.subject }}
{% endfor %}{% endif %}
### Evidence

{% for each in runs %}- {{ each.type }} run {{ each.run }}: {{ each.verdict }}, {{ each.report }}
{% endfor %}- SHA-256 of the verified report.json: {{ reportSha256 }}

Handed off by okstra for task {{ task }}.`,
  ko: `{% if brief != "" %}{{ brief }}

{% endif %}{% if override %}> **사람이 통과시켰습니다.** {{ override.by }} 님이 최종 검증의 게이트를 예외로 승인했습니다: {{ override.reason }}

{% endif %}{% if criteria.size > 0 %}### 인수 기준

{% for criterion in criteria %}- {% if criterion.met %}[x]{% else %}[ ]{% endif %} {{ criterion.id }} {{ criterion.text }}{% unless criterion.met %} ({{ criterion.state }}){% endunless %}
{% endfor %}
{% endif %}### 검증

커밋 {{ head }}의 판정은 **{{ verdict }}**입니다 (최종 검증 {{ run }}회차).
{% if workers.size > 0 %}검증한 작업자: {{ workers | join: ", " }}. {% endif %}발견 사항 {{ findings.total }}건{% if findings.list.size > 0 %}: {{ findings.list | join: ", " }}{% endif %}.
{% if commits.size > 1 %}
### 커밋

{% for commit in commits %}- {{ commit.sha }} {{ commit.subject }}
{% endfor %}{% endif %}
### 증거

{% for each in runs %}- {{ each.type }} {{ each.run }}회차: {{ each.verdict }}, {{ each.report }}
{% endfor %}- 검증된 report.json의 SHA-256: {{ reportSha256 }}

okstra가 작업 {{ task }}을(를) 인계했습니다.`,
};
