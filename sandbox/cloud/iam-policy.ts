import { CloudError } from './errors.ts';

/** What a request says about itself, for the Condition blocks of policies. Keys are lower case. */
export type ConditionContext = Readonly<Record<string, readonly string[]>>;

export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly RegExp[];
  readonly resources: readonly RegExp[];
  readonly conditions: readonly Condition[];
  /** Only in resource policies; undefined in identity policies. */
  readonly principals: Principals | undefined;
}

interface Principals {
  readonly anyone: boolean;
  readonly arns: readonly string[];
  readonly services: readonly string[];
}

interface Condition {
  readonly key: string;
  readonly test: (values: readonly string[] | undefined) => boolean;
}

export interface AccessRequest {
  readonly action: string;
  readonly resource: string;
  readonly context: ConditionContext;
}

/** The caller as a resource policy sees it: a role's ARN, or a service such as `events.amazonaws.com`. */
export interface Caller {
  readonly arn?: string;
  readonly service?: string;
}

export type Decision = 'allow' | 'explicit-deny' | 'implicit-deny';

const STATEMENT_KEYS = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Condition', 'Principal']);

/** Condition keys that the local cloud fills in; a statement with another key stops the start. */
const KNOWN_CONTEXT_KEYS = new Set([
  'aws:securetransport',
  'aws:sourcearn',
  'aws:sourceaccount',
  'aws:principalarn',
  'aws:principalaccount',
  'aws:requestedregion',
  'events:source',
  'events:detail-type',
  'dynamodb:leadingkeys',
  's3:prefix',
  's3:delimiter',
  's3:tlsversion',
  's3:object-lock-mode',
]);

type Matcher = (expected: string, actual: string) => boolean;

const equals: Matcher = (expected, actual) => expected === actual;
const like: Matcher = (expected, actual) => wildcard(expected).test(actual);
const ignoreCase: Matcher = (expected, actual) => expected.toLowerCase() === actual.toLowerCase();

const numeric =
  (holds: (actual: number, expected: number) => boolean): Matcher =>
  (expected, actual) =>
    holds(Number(actual), Number(expected));

const OPERATORS: Readonly<Record<string, { matcher: Matcher; negated: boolean }>> = {
  StringEquals: { matcher: equals, negated: false },
  StringNotEquals: { matcher: equals, negated: true },
  StringEqualsIgnoreCase: { matcher: ignoreCase, negated: false },
  StringLike: { matcher: like, negated: false },
  StringNotLike: { matcher: like, negated: true },
  ArnEquals: { matcher: like, negated: false },
  ArnLike: { matcher: like, negated: false },
  ArnNotEquals: { matcher: like, negated: true },
  ArnNotLike: { matcher: like, negated: true },
  Bool: { matcher: ignoreCase, negated: false },
  NumericEquals: { matcher: numeric((actual, expected) => actual === expected), negated: false },
  NumericLessThan: { matcher: numeric((actual, expected) => actual < expected), negated: false },
  NumericLessThanEquals: { matcher: numeric((actual, expected) => actual <= expected), negated: false },
  NumericGreaterThan: { matcher: numeric((actual, expected) => actual > expected), negated: false },
  NumericGreaterThanEquals: { matcher: numeric((actual, expected) => actual >= expected), negated: false },
};

/** Compiles a policy document (intrinsics already resolved). Throws CloudError POLICY_UNSUPPORTED on anything unknown. */
export function compilePolicy(document: unknown, at: string): Statement[] {
  const statements = (document as { Statement?: unknown } | undefined)?.Statement;
  if (statements === undefined) throw unsupportedPolicy(at, 'a document without Statement');
  return list(statements).map((statement, index) =>
    compileStatement(statement as Record<string, unknown>, `${at}.Statement[${index}]`),
  );
}

function compileStatement(statement: Record<string, unknown>, at: string): Statement {
  for (const key of Object.keys(statement)) {
    if (!STATEMENT_KEYS.has(key)) throw unsupportedPolicy(at, `the element ${key}`);
  }
  const effect = statement.Effect;
  if (effect !== 'Allow' && effect !== 'Deny') throw unsupportedPolicy(at, `the effect ${String(effect)}`);
  if (statement.Action === undefined) throw unsupportedPolicy(at, 'a statement without Action');
  return {
    effect,
    actions: list(statement.Action).map((action) => wildcard(String(action).toLowerCase())),
    resources: list(statement.Resource ?? '*').map((resource) => wildcard(String(resource))),
    conditions: compileConditions(statement.Condition, at),
    principals: statement.Principal === undefined ? undefined : compilePrincipals(statement.Principal, at),
  };
}

function compileConditions(block: unknown, at: string): Condition[] {
  const conditions: Condition[] = [];
  for (const [name, keys] of Object.entries((block ?? {}) as Record<string, Record<string, unknown>>)) {
    for (const [key, expected] of Object.entries(keys)) {
      if (!KNOWN_CONTEXT_KEYS.has(key.toLowerCase())) throw unsupportedPolicy(at, `the condition key ${key}`);
      conditions.push({
        key: key.toLowerCase(),
        test: compileOperator(name, list(expected).map(String), at),
      });
    }
  }
  return conditions;
}

/** Semantics of AWS: a missing key fails a positive operator and passes a negated or IfExists one. */
function compileOperator(name: string, expected: string[], at: string): Condition['test'] {
  if (name === 'Null') return (values) => expected.some((e) => (e === 'true') === (values === undefined));
  const quantifier = /^(ForAllValues|ForAnyValue):/.exec(name)?.[1];
  const ifExists = name.endsWith('IfExists');
  const operator = OPERATORS[name.replace(/^\w+:/, '').replace(/IfExists$/, '')];
  if (operator === undefined) throw unsupportedPolicy(at, `the condition operator ${name}`);
  const { matcher, negated } = operator;
  const one = (value: string): boolean => expected.some((e) => matcher(e, value)) !== negated;
  return (values) => {
    if (values === undefined || values.length === 0)
      return ifExists || quantifier === 'ForAllValues' || (negated && quantifier === undefined);
    return quantifier === 'ForAnyValue' ? values.some(one) : values.every(one);
  };
}

function compilePrincipals(principal: unknown, at: string): Principals {
  if (principal === '*') return { anyone: true, arns: [], services: [] };
  const { AWS: aws, Service: service, ...others } = principal as Record<string, unknown>;
  const other = Object.keys(others)[0];
  if (other !== undefined) throw unsupportedPolicy(at, `the principal type ${other}`);
  const arns = aws === undefined ? [] : list(aws).map(String);
  return {
    anyone: arns.includes('*'),
    arns,
    services: service === undefined ? [] : list(service).map(String),
  };
}

/** Evaluates statements as IAM does: an explicit deny wins, then any allow, else an implicit deny. */
export function evaluate(
  statements: readonly Statement[],
  request: AccessRequest,
  caller?: Caller,
): Decision {
  const action = request.action.toLowerCase();
  let allowed = false;
  for (const statement of statements) {
    if (!statement.actions.some((pattern) => pattern.test(action))) continue;
    if (!statement.resources.some((pattern) => pattern.test(request.resource))) continue;
    if (statement.principals !== undefined && !principalMatches(statement.principals, caller)) continue;
    if (!statement.conditions.every(({ key, test }) => test(request.context[key]))) continue;
    if (statement.effect === 'Deny') return 'explicit-deny';
    allowed = true;
  }
  return allowed ? 'allow' : 'implicit-deny';
}

function principalMatches(principals: Principals, caller: Caller | undefined): boolean {
  if (principals.anyone) return true;
  if (caller?.arn !== undefined && principals.arns.includes(caller.arn)) return true;
  return caller?.service !== undefined && principals.services.includes(caller.service);
}

/** IAM wildcards: `*` any text, `?` one character; all else is literal. */
export function wildcard(pattern: string): RegExp {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [value];
}

function unsupportedPolicy(at: string, what: string): CloudError {
  return new CloudError(
    'POLICY_UNSUPPORTED',
    `The policy at ${at} uses ${what}, which the local cloud cannot evaluate; it refuses to guess who may do what.`,
    'Teach it in sandbox/cloud/iam-policy.ts, or write the policy without it.',
  );
}
