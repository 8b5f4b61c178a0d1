import { type Caller, type Decision, evaluate, type Statement } from './iam-policy.ts';

/** The identity that may do everything: the sandbox itself and tests. Never given to application code. */
export const OPERATOR = 'operator';

export interface RoleModel {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly statements: readonly Statement[];
  /** Services that the trust policy lets assume the role. */
  readonly trusted: readonly string[];
}

/** One thing that a request wants to do. A request may need several (a transaction, a batch over tables). */
export interface Access {
  readonly action: string;
  readonly resource: string;
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

/** Why a request is refused: the text that AWS puts into AccessDeniedException. */
export interface Denial {
  readonly message: string;
  readonly access: Access;
}

/** A decision about a role of the template. */
export interface AccessDecision {
  /** The role's logical id. */
  readonly role: string;
  readonly access: Access;
  readonly allowed: boolean;
}

/** What a deployment can change of permissions. */
export interface Permissions {
  readonly roles: readonly RoleModel[];
  /** By resource ARN. */
  readonly resourcePolicies: ReadonlyMap<string, readonly Statement[]>;
}

const DECISIONS_MAX = 10_000;

/** Evaluates requests against the roles of the template. */
export class Iam {
  #roles: ReadonlyMap<string, RoleModel> = new Map();
  #resourcePolicies: Permissions['resourcePolicies'] = new Map();
  readonly #base: Readonly<Record<string, readonly string[]>>;
  readonly #account: string;
  /** Decisions depend only on role, action, resource and what the request says of itself. */
  readonly #decisions = new Map<string, Denial | null>();
  readonly #watchers = new Set<(decision: AccessDecision) => void>();

  constructor(options: Permissions & { readonly region: string; readonly account: string }) {
    this.deploy(options);
    this.#account = options.account;
    // The deployed system speaks TLS to AWS; the loopback socket stands for it.
    this.#base = {
      'aws:securetransport': ['true'],
      's3:tlsversion': ['1.3'],
      'aws:requestedregion': [options.region],
      'aws:principalaccount': [options.account],
    };
  }

  /** Roles and resource policies in the place of the present ones, as a deployment changes them. */
  deploy({ roles, resourcePolicies }: Permissions): void {
    this.#roles = new Map(roles.map((role) => [role.logicalId, role]));
    this.#resourcePolicies = resourcePolicies;
    this.#decisions.clear();
  }

  /** Tells every decision about a role from now on, the repeated ones too, until the returned function is called. */
  watch(seen: (decision: AccessDecision) => void): () => void {
    this.#watchers.add(seen);
    return () => void this.#watchers.delete(seen);
  }

  /** Whether the access key id belongs to the operator or to a role of the template. */
  knows(accessKeyId: string): boolean {
    return accessKeyId === OPERATOR || this.#roles.has(accessKeyId);
  }

  roleOf(accessKeyId: string): RoleModel | undefined {
    return this.#roles.get(accessKeyId);
  }

  /** The ARN that AWS shows for the caller. */
  userArn(accessKeyId: string): string {
    const role = this.#roles.get(accessKeyId);
    return role === undefined
      ? `arn:aws:iam::${this.#account}:user/${accessKeyId}`
      : `arn:aws:sts::${this.#account}:assumed-role/${role.name}/local`;
  }

  /** The first denial among what a request needs, or undefined when all is allowed. `aside` is not told to who watches. */
  check(accessKeyId: string, needed: readonly Access[], how?: 'aside'): Denial | undefined {
    if (accessKeyId === OPERATOR) return undefined;
    for (const access of needed) {
      const denial = this.#checkOne(accessKeyId, access);
      const watchers = how === 'aside' ? [] : this.#watchers;
      for (const seen of watchers) seen({ role: accessKeyId, access, allowed: denial === undefined });
      if (denial !== undefined) return denial;
    }
    return undefined;
  }

  #checkOne(accessKeyId: string, access: Access): Denial | undefined {
    const context = access.context === undefined ? '' : JSON.stringify(access.context);
    const key = `${accessKeyId} ${access.action} ${access.resource} ${context}`;
    const cached = this.#decisions.get(key);
    if (cached !== undefined) return cached ?? undefined;
    const denial = this.#decide(accessKeyId, access);
    if (this.#decisions.size >= DECISIONS_MAX) this.#decisions.clear();
    this.#decisions.set(key, denial ?? null);
    return denial;
  }

  #decide(accessKeyId: string, access: Access): Denial | undefined {
    const role = this.#roles.get(accessKeyId);
    if (role === undefined) return denied(this.userArn(accessKeyId), access, 'implicit-deny');
    const context = { ...this.#base, 'aws:principalarn': [role.arn], ...access.context };
    const request = { action: access.action, resource: access.resource, context };
    const byIdentity = evaluate(role.statements, request);
    const byResource = evaluate(this.#policyOf(access.resource), request, {
      arn: role.arn,
    });
    if (byIdentity === 'explicit-deny' || byResource === 'explicit-deny') {
      return denied(this.userArn(accessKeyId), access, 'explicit-deny');
    }
    if (byIdentity === 'allow' || byResource === 'allow') return undefined;
    return denied(this.userArn(accessKeyId), access, 'implicit-deny');
  }

  /** The policy of a bucket guards its objects, that of a table its indexes. */
  #policyOf(resource: string): readonly Statement[] {
    const owner = /^(arn:aws:s3:::[^/]+)\/|^(arn:aws:dynamodb:.*:table\/[^/]+)\/index\//.exec(resource);
    return this.#resourcePolicies.get(owner?.[1] ?? owner?.[2] ?? resource) ?? [];
  }

  /** Whether a resource's own policy lets a service (with the ARN that it acts for) do this. */
  serviceMay(service: string, access: Access, sourceArn: string): boolean {
    const caller: Caller = { service };
    const context = {
      ...this.#base,
      'aws:sourcearn': [sourceArn],
      'aws:sourceaccount': [this.#account],
      ...access.context,
    };
    const statements = this.#policyOf(access.resource);
    return (
      evaluate(statements, { action: access.action, resource: access.resource, context }, caller) === 'allow'
    );
  }
}

function denied(user: string, access: Access, decision: Exclude<Decision, 'allow'>): Denial {
  const reason =
    decision === 'explicit-deny'
      ? 'with an explicit deny in an identity-based or resource-based policy'
      : `because no identity-based policy allows the ${access.action} action`;
  return {
    access,
    message: `User: ${user} is not authorized to perform: ${access.action} on resource: ${access.resource} ${reason}`,
  };
}
