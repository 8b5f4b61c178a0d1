/** Renders the parts of docs/security.md that follow from the template of stage paper; the rest of the page is written by hand. */
import type { Grant } from './grants.ts';
import { purposeOf, reasonOf, wildcards } from './reasons.ts';
import type { ResourceStatement } from './resource-policies.ts';

export interface SecurityFacts {
  readonly grants: readonly Grant[];
  readonly trust: ReadonlyMap<string, string>;
  readonly policies: readonly ResourceStatement[];
}

/** What stage, account and region are called in the table: so it is the same in all of them. */
export function common(text: string): string {
  return text
    .replaceAll(/evenkeel-(sandbox|paper|live)/g, 'evenkeel-<stage>')
    .replaceAll(/-000000000000-eu-west-1/g, '-<aws account>-<region>')
    .replaceAll(':eu-west-1:000000000000:', ':')
    .replaceAll('000000000000', '<aws account>')
    .replaceAll('eu-west-1', '<region>')
    .replaceAll(/\b(?:D?U)1234567\b/g, '<account>')
    .replaceAll(/^arn:aws:/g, '');
}

/** @param page as it is; its parts between `<!-- NAME: begin -->` and `<!-- NAME: end -->` are made anew */
export function renderSecurityDocs(page: string, facts: SecurityFacts): string {
  const parts = {
    roles: roles(facts),
    grants: grants(facts),
    wildcards: wildcardTable(facts),
    policies: policies(facts),
  };
  let text = page;
  for (const [name, lines] of Object.entries(parts)) {
    const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/security.md has no part ${begin} … ${end}`);
    text = `${text.slice(0, from + begin.length)}\n\n${lines.join('\n')}\n\n${text.slice(to)}`;
  }
  return text;
}

function rolesOf(all: readonly Grant[]): string[] {
  return [...new Set(all.map(({ role }) => role))].sort();
}

function roles({ grants: all, trust }: SecurityFacts): string[] {
  return [
    '| role | what for | who may assume it | grants |',
    '|---|---|---|---|',
    ...rolesOf(all).map((role) => {
      const own = all.filter((grant) => grant.role === role);
      return `| ${role} | ${purposeOf(role) ?? '?'} | ${common(trust.get(role) ?? '?')} | ${own.length} |`;
    }),
  ];
}

function grants({ grants: all }: SecurityFacts): string[] {
  return rolesOf(all).flatMap((role, index) => {
    const own = all.filter((grant) => grant.role === role);
    const rows = own.map((grant) => {
      const { action, resource, condition } = grant;
      const only = condition === '' ? '' : `, only if ${conditionWords(JSON.parse(condition)).join('; ')}`;
      return `| \`${action}\` | \`${common(resource)}\`${only} | ${reasonOf(grant) ?? '?'} |`;
    });
    const test = role.endsWith('(task)') ? 'grants-streamer.test.ts' : 'grants.test.ts';
    return [
      ...(index === 0 ? [] : ['']),
      `### ${role}`,
      '',
      `Proved by \`test/system/${test}\`, “${role} uses each of its grants”.`,
      '',
      '| action | resource | why |',
      '|---|---|---|',
      ...rows,
    ];
  });
}

function wildcardTable({ grants: all }: SecurityFacts): string[] {
  const used = wildcards.map(([actions, resource, reason]) => {
    const found = all.filter((grant) => actions.test(grant.action) && resource.test(grant.resource));
    const unique = (values: readonly string[]) =>
      [...new Set(values)]
        .sort()
        .map((one) => `\`${one}\``)
        .join(', ');
    const on = unique(found.map((grant) => common(grant.resource)));
    return `| ${on} | ${unique(found.map(({ action }) => action))} | ${reason} |`;
  });
  return ['| resource | actions | why it ends with a wildcard |', '|---|---|---|', ...used];
}

function policies({ policies: all }: SecurityFacts): string[] {
  const rows = all.map(({ on, kind, effect, actions, principals, condition }) => {
    const words = conditionWords(condition);
    const who = principals.map((one) => (one === '*' ? 'everybody' : one)).join(', ');
    const verb = effect === 'Deny' ? 'forbids' : 'allows';
    return `| ${kind} ${common(on)} | ${verb} ${who} | ${actions.map((one) => `\`${one}\``).join(', ')} | ${words.join('; ')} |`;
  });
  return ['| on | what | actions | if |', '|---|---|---|---|', ...[...new Set(rows)].sort()];
}

/** `StringEquals aws:SourceAccount <aws account>` */
function conditionWords(condition: ResourceStatement['condition']): string[] {
  return Object.entries(condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, value]) => `\`${operator} ${key} ${common(String(value))}\``),
  );
}
