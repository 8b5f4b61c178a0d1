/** What `npm audit --json` found, against what is allowed in writing. */
import * as z from 'zod';

/** One finding that is accepted for a time. */
export interface Allowed {
  readonly package: string;
  /** As in the address of the advisory: `GHSA-…`. */
  readonly advisory: string;
  readonly reason: string;
  /** The last day, `yyyy-mm-dd`. */
  readonly expires: string;
}

const day = z.string().regex(/^\d{4}-\d\d-\d\d$/, 'must be a day, yyyy-mm-dd');

export const allowedSchema = z.array(
  z.strictObject({
    package: z.string().min(1),
    advisory: z
      .string()
      .regex(/^GHSA(-[0-9a-z]{4}){3}$/, 'must be the id of an advisory, GHSA-xxxx-xxxx-xxxx'),
    reason: z.string().min(20, 'must say why in a sentence'),
    expires: day,
  }),
);

const severities = ['info', 'low', 'moderate', 'high', 'critical'] as const;

const advisory = z.object({
  name: z.string(),
  title: z.string(),
  url: z.string(),
  severity: z.enum(severities),
  range: z.string(),
});

/** Of a package that only depends on one with an advisory, `via` has that one's name. */
const report = z.object({
  auditReportVersion: z.literal(2),
  vulnerabilities: z.record(z.string(), z.object({ via: z.array(z.union([z.string(), advisory])) })),
});

export type Verdict =
  | { readonly kind: 'judged'; readonly problems: readonly string[] }
  /** Nobody answered, so nothing is known: no finding, and no clean bill. */
  | { readonly kind: 'unreachable'; readonly why: string };

/**
 * @param answer standard output of `npm audit --omit=dev --json`
 * @param today `yyyy-mm-dd`
 */
export function judge(answer: string, allowed: readonly Allowed[], today: string): Verdict {
  let told: unknown;
  try {
    told = JSON.parse(answer);
  } catch {
    return unreachable(allowed, today, `npm said no JSON: ${firstLine(answer)}`);
  }
  const parsed = report.safeParse(told);
  if (!parsed.success) {
    const { message, error } = (told ?? {}) as { message?: unknown; error?: { summary?: unknown } };
    const why = [message, error?.summary].find((text) => typeof text === 'string' && text !== '');
    if (typeof why === 'string') return unreachable(allowed, today, firstLine(why));
    return {
      kind: 'judged',
      problems: ['The answer of npm audit has a form that is not known: look at its version.'],
    };
  }
  const found = Object.values(parsed.data.vulnerabilities)
    .flatMap(({ via }) => via)
    .filter((each) => typeof each !== 'string')
    .filter(({ severity }) => severity === 'high' || severity === 'critical');
  const isAllowed = ({ name, url }: z.infer<typeof advisory>): boolean =>
    allowed.some((entry) => entry.package === name && url.endsWith(`/${entry.advisory}`));
  const open = found
    .filter((each) => !isAllowed(each))
    .map(
      ({ name, severity, title, range, url }) =>
        `${name} ${range} (${severity}): ${title}. ${url} Update it, or allow it in .ci/audit-allowed.json with a reason and a day.`,
    );
  const idle = allowed
    .filter(
      (entry) => !found.some(({ name, url }) => entry.package === name && url.endsWith(`/${entry.advisory}`)),
    )
    .map((entry) => `${nameOf(entry)} is allowed and not found any more: take the entry out.`);
  return { kind: 'judged', problems: [...new Set([...open, ...idle, ...expired(allowed, today)])] };
}

function unreachable(allowed: readonly Allowed[], today: string, why: string): Verdict {
  // What has expired has expired whether or not anybody answers.
  const problems = expired(allowed, today);
  return problems.length > 0 ? { kind: 'judged', problems } : { kind: 'unreachable', why };
}

function expired(allowed: readonly Allowed[], today: string): string[] {
  return allowed
    .filter(({ expires }) => expires < today)
    .map((entry) => `${nameOf(entry)} was allowed until ${entry.expires}: update it, or say again why not.`);
}

function nameOf({ package: name, advisory: id }: Allowed): string {
  return `${name} ${id}`;
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]!.slice(0, 200);
}
